"""What a result depends on: the device, its clocks, the libraries; and the environment that programs of the bundle run in."""
import glob
import json
import os
import platform
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOTNET = os.path.join(HERE, "dotnet", "dotnet")
TESTS = os.path.join(HERE, "app", "CudnnResNet.Tests.dll")
RESNET = os.path.join(HERE, "app", "resnet.dll")


def environment(simulator=None):
    """The folders of NVIDIA's wheels are found by the program itself; headers are gathered here."""
    result = dict(os.environ, DOTNET_ROOT=os.path.join(HERE, "dotnet"), DOTNET_CLI_TELEMETRY_OPTOUT="1",
                  RESNET_SIMGPU=simulator or "")
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
    wanted = ("cuda", "cudnn", "cublas", "nvrtc", "nvml", "nv", "npp", "library_types", "driver_types", "vector_", "crt",
              "host_", "device_", "builtin_", "surface_", "texture_", "channel_", "cuComplex", "cccl")
    for folder in folders:
        for path in glob.glob(os.path.join(folder, "*")):
            link = os.path.join(together, os.path.basename(path))
            if os.path.basename(path).startswith(wanted) and not os.path.lexists(link):
                os.symlink(path, link)
    return together if os.listdir(together) else None


def ask(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None


def clocks():
    """As they are now; none without NVIDIA's tool."""
    return ask("nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,clocks.mem,"
               "power.limit,power.draw,temperature.gpu,clocks_throttle_reasons.active", "--format=csv")


def facts(simulator=None):
    native = ["--native-path", simulator] if simulator else []
    doctor = ask(DOTNET, RESNET, "doctor", "--json", *native)
    return {"platform": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count(),
            "simulated": simulator is not None, "gpu": clocks(), "doctor": json.loads(doctor) if doctor else None}


def why_no_gpu(found):
    """None where the program can use one."""
    if not found["doctor"]:
        return "the bundle's program does not start here"
    cuda = next(b for b in found["doctor"]["backends"] if b["name"] == "cuda")
    return None if cuda["available"] else cuda["reason"]
