"""Runs stages on a machine with a GPU and writes one JSON file for each: what was run, where, and what came of it."""
import argparse
import glob
import json
import os
import platform
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DOTNET = os.path.join(HERE, "dotnet", "dotnet")
TESTS = os.path.join(HERE, "app", "CudnnResNet.Tests.dll")
RESNET = os.path.join(HERE, "app", "resnet.dll")
MOST_SECONDS = 9 * 60

BENCH = ["--model", "resnet50", "--device", "cuda", "--seconds", "10", "--warmup", "3", "--json"]


def environment():
    """The folders of NVIDIA's wheels are found by the program itself; headers are gathered here."""
    result = dict(os.environ, DOTNET_ROOT=os.path.join(HERE, "dotnet"), DOTNET_CLI_TELEMETRY_OPTOUT="1")
    include = headers()
    if include:
        result["CUDNNRESNET_CUDA_INCLUDE"] = include
    return result


def headers():
    """One folder with links to all of NVIDIA's headers on this machine; none where there are none."""
    folders = ["/usr/local/cuda/include", "/usr/include"]
    for packages in sys.path:
        folders += sorted(glob.glob(os.path.join(packages, "nvidia", "*", "include")))
    if os.environ.get("CUDA_HOME"):
        folders.insert(0, os.path.join(os.environ["CUDA_HOME"], "include"))
    together = os.path.join(HERE, "include")
    shutil.rmtree(together, ignore_errors=True)
    os.makedirs(together)
    wanted = ("cuda", "cudnn", "cublas", "nvrtc", "nvml", "nv", "library_types", "driver_types", "vector_", "crt", "host_",
              "device_", "builtin_", "surface_", "texture_", "channel_", "cuComplex", "cccl")
    for folder in folders:
        for path in glob.glob(os.path.join(folder, "*")):
            link = os.path.join(together, os.path.basename(path))
            if os.path.basename(path).startswith(wanted) and not os.path.lexists(link):
                os.symlink(path, link)
    return together if os.listdir(together) else None


def machine():
    def ask(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            return None

    facts = {"platform": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count(),
             "gpu": ask("nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.sm,clocks.max.sm,clocks.mem,"
                        "power.limit,temperature.gpu", "--format=csv")}
    doctor = ask(DOTNET, RESNET, "doctor", "--json")
    facts["doctor"] = json.loads(doctor) if doctor else None
    return facts


def tests(*names):
    """Runs tests by parts of their names; the report lists each."""
    def run(folder):
        report = os.path.join(folder, "tests.json")
        status = subprocess.run([DOTNET, "exec", TESTS, "run", report, *names], env=environment(), timeout=MOST_SECONDS).returncode
        outcomes = json.load(open(report)) if os.path.exists(report) else []
        counts = {result: sum(1 for o in outcomes if o["result"] == result) for result in ("passed", "failed", "skipped")}
        return status == 0, {"counts": counts, "notPassed": [o for o in outcomes if o["result"] != "passed"]}
    return run


def doctor(folder):
    found = machine()
    cuda = next((b for b in (found["doctor"] or {}).get("backends", []) if b["name"] == "cuda"), None)
    return bool(cuda and cuda["available"]), found


def bench(*arguments):
    """Ours and PyTorch's in turn, so that both see the same clocks; raw samples of both."""
    mode, precision, batch = arguments

    def run(folder):
        rounds = []
        deadline = time.time() + MOST_SECONDS - 30
        for _ in range(3):
            entry = {}
            ours = subprocess.run([DOTNET, RESNET, "bench", mode, *BENCH, "--precision", precision, "--batch", batch],
                                  env=environment(), capture_output=True, text=True, timeout=max(30, deadline - time.time()))
            entry["ours"] = json.loads(ours.stdout) if ours.returncode == 0 else {"error": ours.stderr.strip()}
            for compiled in ("eager", "compiled"):
                if time.time() > deadline - 60:
                    break
                peer = subprocess.run([sys.executable, os.path.join(HERE, "side_by_side.py"), mode, precision, batch, compiled],
                                      capture_output=True, text=True, timeout=max(30, deadline - time.time()))
                entry[f"pytorch_{compiled}"] = json.loads(peer.stdout) if peer.returncode == 0 else {"error": peer.stderr[-2000:]}
            rounds.append(entry)
            if time.time() > deadline - 90:
                break
        return all("error" not in r["ours"] for r in rounds), {"rounds": rounds}
    return run


STAGES = {
    "doctor": doctor,
    "headers": tests("Cuda.BindingTests"),
    "device": tests("Cuda.DeviceTests"),
    "conformance": tests("CudaConformance"),
    "golden": tests("CudaFloat32Tests"),
    "precision": tests("Cuda.PrecisionTests", "Cuda.EmbeddingTests"),
    "infer-fp16-256": bench("infer", "fp16", "256"),
    "infer-bf16-256": bench("infer", "bf16", "256"),
    "infer-bf16-1": bench("infer", "bf16", "1"),
    "train-fp16-256": bench("train", "fp16", "256"),
    "train-bf16-256": bench("train", "bf16", "256"),
    "train-tf32-64": bench("train", "tf32", "64"),
    "train-fp32-64": bench("train", "fp32", "64"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", help=f"of {', '.join(STAGES)}; all unless named")
    parser.add_argument("--out", default=os.path.join(HERE, "results"), help="where the JSON files go")
    parser.add_argument("--again", action="store_true", help="run finished stages again")
    options = parser.parse_args()
    unknown = [name for name in options.stages if name not in STAGES]
    if unknown:
        parser.error(f"no such stage: {', '.join(unknown)}; known: {', '.join(STAGES)}")
    failed = []
    for name in options.stages or STAGES:
        folder = os.path.join(options.out, name)
        result = os.path.join(folder, "result.json")
        if os.path.exists(result) and not options.again:
            print(f"{name}: done before")
            continue
        os.makedirs(folder, exist_ok=True)
        print(f"{name} ...", flush=True)
        begin = time.time()
        try:
            passed, details = STAGES[name](folder)
        except (subprocess.TimeoutExpired, ValueError, OSError) as error:
            passed, details = False, {"error": str(error)}
        revision = os.path.join(HERE, "revision")
        record = {"stage": name, "passed": passed, "seconds": time.time() - begin,
                  "revision": open(revision).read().strip() if os.path.exists(revision) else None,
                  "machine": machine() if name != "doctor" else None, "details": details}
        with open(result, "w") as out:
            json.dump(record, out, indent=1)
        print(f"{name}: {'passed' if passed else 'FAILED'} in {record['seconds']:.0f} s", flush=True)
        if not passed:
            failed.append(name)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
