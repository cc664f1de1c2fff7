"""Runs stages on a machine with a GPU and writes one JSON file for each: what was run, where, and what came of it."""
import argparse
import json
import os
import subprocess
import sys
import time

import machine

HERE = machine.HERE
MOST_SECONDS = 9 * 60
ROUNDS = 3


def work(mode, model, precision, batch):
    """The flags of a bench; a name that ends in v2 is the pre-activated network."""
    version = ["--version", "v2"] if model.endswith("v2") else []
    return ["bench", mode, "--model", model.removesuffix("v2"), *version, "--device", "cuda", "--precision", precision,
            "--batch", str(batch)]


class Place:
    """Where a stage runs: a folder for its files, a device, and until when."""

    def __init__(self, folder, simulator):
        self.folder, self.simulator = folder, simulator
        self.environment = machine.environment(simulator)
        self.deadline = time.time() + MOST_SECONDS

    def left(self):
        return self.deadline - time.time()

    def resnet(self, *arguments):
        """The JSON object that the program prints, or its error."""
        native = ["--native-path", self.simulator] if self.simulator else []
        ran = subprocess.run([machine.DOTNET, machine.RESNET, *arguments, "--json", *native], env=self.environment,
                             capture_output=True, text=True, timeout=max(30, self.left()))
        return json.loads(ran.stdout) if ran.returncode == 0 else {"error": ran.stderr.strip()}

    def pytorch(self, *arguments):
        ran = subprocess.run([sys.executable, os.path.join(HERE, "side_by_side.py"), *arguments],
                             capture_output=True, text=True, timeout=max(30, self.left()))
        return json.loads(ran.stdout) if ran.returncode == 0 else {"error": ran.stderr[-2000:]}


def tests(*names):
    """Runs tests by parts of their names; the report lists each."""
    def run(place):
        report = os.path.join(place.folder, "tests.json")
        status = subprocess.run([machine.DOTNET, "exec", machine.TESTS, "run", report, *names], env=place.environment,
                                timeout=MOST_SECONDS).returncode
        outcomes = json.load(open(report)) if os.path.exists(report) else []
        counts = {result: sum(1 for o in outcomes if o["result"] == result) for result in ("passed", "failed", "skipped")}
        return status == 0, {"counts": counts, "notPassed": [o for o in outcomes if o["result"] != "passed"]}
    return run


def doctor(place):
    found = machine.facts(place.simulator)
    return machine.why_no_gpu(found) is None, found


def small_bench(place):
    """Whether the stages below can run at all: a small network in seconds, ours alone."""
    results = [place.resnet(*work(mode, "resnet20", precision, 4), "--seconds", "1", "--samples")
               for mode in ("infer", "train") for precision in ("fp32", "bf16", "fp16")]
    return all("error" not in result for result in results), {"results": results}


def bench(mode, model, precision, batch):
    """Ours and PyTorch's in turn, so that both see the same clocks; raw samples of both."""
    def run(place):
        rounds = []
        for _ in range(ROUNDS):
            entry = {"clocks": machine.clocks()}
            entry["ours"] = place.resnet(*work(mode, model, precision, batch), "--seconds", "10", "--warmup", "3", "--samples")
            for how in ("eager", "compiled"):
                if place.left() > 90:
                    entry[f"pytorch_{how}"] = place.pytorch(mode, model, precision, batch, how)
            rounds.append(entry)
            if place.left() < 120:
                break
        return all("error" not in r["ours"] for r in rounds), {"rounds": rounds}
    return run


def sweep(mode, model, precision, batches):
    """Ours alone over batch sizes, until the time is over."""
    def run(place):
        results = {}
        for batch in batches:
            if place.left() > 60:
                results[batch] = place.resnet(*work(mode, model, precision, batch), "--seconds", "3", "--samples")
        return any("error" not in result for result in results.values()), {"results": results}
    return run


def profile(mode, model, precision, batch):
    """A Chrome trace of ours and PyTorch's list of kernels, for the same work."""
    def run(place):
        trace = os.path.join(place.folder, "trace.json")
        ours = place.resnet(*work(mode, model, precision, batch), "--seconds", "3", "--profile", trace)
        plan = place.resnet("plan", "--mode", mode, "--model", model, "--device", "cuda", "--precision", precision, "--batch", batch)
        return "error" not in ours, {"ours": ours, "plan": plan, "pytorch": place.pytorch(mode, model, precision, batch, "profile")}
    return run


STAGES = {
    "doctor": doctor,
    "headers": tests("Cuda.BindingTests"),
    "small": small_bench,
    "device": tests("Cuda.DeviceTests", "Cuda.MemoryTests", "Cuda.EmbeddingTests", "Cuda.RecordedInferenceTests"),
    "golden": tests("CudaFloat32Tests", "Cuda.PrecisionTests"),
    "train-fp16-256": bench("train", "resnet50", "fp16", "256"),
    "train-bf16-256": bench("train", "resnet50", "bf16", "256"),
    "infer-bf16-256": bench("infer", "resnet50", "bf16", "256"),
    "infer-bf16-1": bench("infer", "resnet50", "bf16", "1"),
    "conformance": tests("CudaConformance"),
    "fusions": tests("Cuda.FusionTests"),
}

FURTHER = {
    "infer-fp16-256": bench("infer", "resnet50", "fp16", "256"),
    "infer-fp16-1": bench("infer", "resnet50", "fp16", "1"),
    "train-tf32-64": bench("train", "resnet50", "tf32", "64"),
    "train-fp32-64": bench("train", "resnet50", "fp32", "64"),
    **{f"train-bf16-{model}": bench("train", model, "bf16", "128") for model in ("resnet18", "resnet101", "resnet152", "resnet200")},
    "train-bf16-v2": sweep("train", "resnet50v2", "bf16", [256]),
    "sweep-infer-bf16": sweep("infer", "resnet50", "bf16", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
    "sweep-train-bf16": sweep("train", "resnet50", "bf16", [16, 32, 64, 128, 256, 512]),
    "profile-train-fp16": profile("train", "resnet50", "fp16", "256"),
    "profile-train-bf16": profile("train", "resnet50", "bf16", "256"),
    "profile-infer-bf16": profile("infer", "resnet50", "bf16", "256"),
}


def passed_before(result):
    return os.path.exists(result) and json.load(open(result))["passed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"unless named, {', '.join(STAGES)}; further: {', '.join(FURTHER)}")
    parser.add_argument("--out", default=os.path.join(HERE, "results"), help="where the JSON files go")
    parser.add_argument("--again", action="store_true", help="run stages again that passed")
    parser.add_argument("--rehearse", metavar="DIR", help="run on the simulated GPU of this folder; its times mean nothing")
    options = parser.parse_args()
    known = STAGES | FURTHER
    unknown = [name for name in options.stages if name not in known]
    if unknown:
        parser.error(f"no such stage: {', '.join(unknown)}; known: {', '.join(known)}")
    found = machine.facts(options.rehearse)
    reason = machine.why_no_gpu(found)
    if reason:
        print(f"run: no GPU that CudnnResNet can use: {reason}", file=sys.stderr)
        sys.exit(2)
    revision = os.path.join(HERE, "revision")
    failed = []
    for name in options.stages or STAGES:
        folder = os.path.join(options.out, name)
        result = os.path.join(folder, "result.json")
        if passed_before(result) and not options.again:
            print(f"{name}: passed before")
            continue
        os.makedirs(folder, exist_ok=True)
        print(f"{name} ...", flush=True)
        begin = time.time()
        try:
            passed, details = known[name](Place(folder, options.rehearse))
        except (subprocess.TimeoutExpired, ValueError, OSError) as error:
            passed, details = False, {"error": str(error)}
        record = {"stage": name, "passed": passed, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin)),
                  "seconds": time.time() - begin,
                  "revision": open(revision).read().strip() if os.path.exists(revision) else None,
                  "machine": found, "details": details}
        with open(result + ".part", "w") as out:
            json.dump(record, out, indent=1)
        os.replace(result + ".part", result)
        print(f"{name}: {'passed' if passed else 'FAILED'} in {record['seconds']:.0f} s", flush=True)
        if not passed:
            failed.append(name)
    if failed:
        sys.exit(f"run: {len(failed)} failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
