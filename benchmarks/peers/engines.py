"""The engines of the comparison. Each can be asked for its logits on the common input and for a timed slice of work."""
import json, os, statistics, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class NotMeasured(Exception):
    """The engine cannot do this work here; the message says why."""


def peak_resident_bytes(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


class LineEngine:
    """A peer in a process of its own, which stays alive between slices and speaks JSON lines."""

    def __init__(self, name, command, cwd, work, threads):
        self.name, self.work, self.versions = name, work, {}
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            lines = self.errors.read().decode(errors="replace").strip().splitlines()
            raise NotMeasured(lines[-1] if lines else f"ended with exit code {self.process.returncode}")
        return json.loads(line)

    def _ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self._answer()

    def start(self):
        self.versions = self._answer()["versions"]

    def logits(self):
        return self._ask(op="check")["logits"]

    def slice(self, seconds):
        """Images per second, the latencies of the batches in ms, and the process's peak resident bytes so far."""
        latencies = self._ask(op="run", seconds=seconds)["latenciesMs"]
        return dict(imagesPerSecond=1000 * len(latencies) * self.work["batch"] / sum(latencies),
                    p50Ms=statistics.median(latencies), batches=len(latencies),
                    peakResidentBytes=peak_resident_bytes(self.process.pid))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


class OurEngine:
    """./resnet bench, one process per slice; the plan comes from its cache on disk after the first."""

    def __init__(self, name, work, precision, threads, cache):
        self.name, self.work, self.precision, self.threads, self.cache = name, work, precision, threads, cache
        self.versions, self.warmup = {}, 1.0

    def _run(self, *arguments):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen([f"{ROOT}/resnet", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            if process.returncode != 0:
                lines = errors.read().decode(errors="replace").strip().splitlines()
                raise NotMeasured(lines[-1] if lines else f"./resnet ended with exit code {process.returncode}")
            return out.read().decode(), usage.ru_maxrss * 1024

    def _network(self):
        return ["--model", self.work["model"], "--precision", self.precision, "--threads", str(self.threads)]

    def start(self):
        self.slice(0.5)

    def logits(self):
        size = self.work["imageSize"]
        tensor, out = f"{self.cache}/input.npy", f"{self.cache}/logits-ours.npy"
        values = [((i * 7919) % 1000) / 500 - 1 for i in range(3 * size * size)]
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, {size}, {size}), }}"
        header = header.ljust((len(header) + 11 + 63) // 64 * 64 - 11) + "\n"
        with open(tensor, "wb") as f:
            f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values))
        self._run("predict", *self._network(), "--weights", f"{self.cache}/{self.work['model']}.safetensors", "--tensor", tensor, "--out", out)
        with open(out, "rb") as f:
            blob = f.read()
        body = blob[10 + struct.unpack("<H", blob[8:10])[0]:]
        return list(struct.unpack(f"<{len(body) // 4}f", body))

    def slice(self, seconds):
        out, resident = self._run("bench", self.work["mode"], *self._network(), "--batch", str(self.work["batch"]), "--image-size",
                                  str(self.work["imageSize"]), "--seconds", str(seconds), "--warmup", str(self.warmup), "--json")
        try:
            result = json.loads(out.strip().splitlines()[-1])
            answer = dict(imagesPerSecond=result["imagesPerSecond"], p50Ms=result["latencyMs"]["p50"],
                          peakResidentBytes=resident, peakBytes=result["peakBytes"], planSeconds=result["planSeconds"])
            if result["disturbedMeasurements"]:
                print(f"peers: {self.name}: other processes disturbed {result['disturbedMeasurements']} measurements of its plan",
                      file=sys.stderr, flush=True)
        except (ValueError, IndexError, KeyError, TypeError) as error:
            raise NotMeasured(f"./resnet bench --json printed no result ({type(error).__name__}: {error})")
        libraries = next((v for k, v in result.items() if k.lower().endswith("versions") and isinstance(v, dict)), {})
        self.versions = {"our device": result.get("device"), **{f"our {k}": v for k, v in libraries.items()}}
        return answer

    def close(self):
        pass


def engines_for(work, threads, cache, python):
    """All engines that do `work` = dict(mode, model, batch, imageSize), ours first."""
    model, batch, size = work["model"], work["batch"], work["imageSize"]
    engines = [OurEngine("ours fp32", work, "fp32", threads, cache), OurEngine("ours bf16", work, "bf16", threads, cache)]

    def torch_engine(name, variant):
        command = [python, f"{HERE}/torch_engine.py", variant, model, str(batch), str(size), str(threads)]
        return LineEngine(name, command, HERE, work, threads)

    if work["mode"] == "train":
        return engines + [torch_engine("PyTorch fp32", "train-fp32"), torch_engine("PyTorch autocast bf16", "train-autocast-bf16")]
    onnx = f"{cache}/{model}-{batch}x{size}.onnx"
    return engines + [
        LineEngine("ONNX Runtime fp32", ["node", f"{HERE}/onnxruntime_engine.cjs", onnx, str(batch), str(size), str(threads)], cache, work, threads),
        torch_engine("PyTorch eager fp32", "infer-eager-fp32"), torch_engine("PyTorch jit fp32", "infer-jit-fp32"),
        torch_engine("PyTorch autocast bf16", "infer-autocast-bf16")]
