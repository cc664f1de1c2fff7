"""PyTorch's best at the same work: channels_last, autocast in the same type, CUDA graphs where compiled.

usage: side_by_side.py infer|train MODEL PRECISION BATCH eager|compiled|profile; prints one JSON object. MODEL is resnet18,
34, 50, 101, 152 or 200; profile lists the kernels of three eager steps.
"""
import json
import sys
import time

try:
    import torch
    from torch import nn
except ImportError as error:
    sys.exit(f"side_by_side: PyTorch is not here ({error}); run with the python that has it")


DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3),
          "resnet152": (3, 8, 36, 3), "resnet200": (3, 24, 36, 3)}


class Block(nn.Module):
    def __init__(self, inputs, width, outputs, stride):
        super().__init__()
        if outputs == width:
            layers = [(3, inputs, width, stride), (3, width, width, 1)]
        else:
            layers = [(1, inputs, width, 1), (3, width, width, stride), (1, width, outputs, 1)]
        modules = []
        for size, c, k, s in layers:
            modules += [nn.Conv2d(c, k, size, s, size // 2, bias=False), nn.BatchNorm2d(k), nn.ReLU(inplace=True)]
        self.branch = nn.Sequential(*modules[:-1])
        self.shortcut = nn.Identity() if inputs == outputs and stride == 1 else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.branch(x) + self.shortcut(x))


def resnet(name):
    expansion = 1 if name in ("resnet18", "resnet34") else 4
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate(DEPTHS[name]):
        for i in range(count):
            width = 64 << stage
            layers.append(Block(inputs, width, expansion * width, 2 if i == 0 and stage > 0 else 1))
            inputs = expansion * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def kernels(step):
    """Device time in microseconds and calls of each kernel, over three steps."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
        for _ in range(3):
            step()
        torch.cuda.synchronize()
    times = {}
    for event in profiler.events():
        entry = times.setdefault(event.name, [0.0, 0])
        entry[0] += event.time_range.elapsed_us()
        entry[1] += 1
    return {name: entry for name, entry in sorted(times.items(), key=lambda item: -item[1][0])[:60]}


def main():
    if len(sys.argv) != 6 or sys.argv[2] not in DEPTHS:
        sys.exit(__doc__)
    if not torch.cuda.is_available():
        sys.exit("side_by_side: PyTorch finds no GPU here")
    mode, name, precision, batch, how = sys.argv[1:]
    batch = int(batch)
    types = {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    dtype = types[precision]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    model = resnet(name).cuda().to(memory_format=torch.channels_last)
    x = torch.randn(batch, 3, 224, 224, device="cuda").to(memory_format=torch.channels_last)
    y = torch.randint(0, 1000, (batch,), device="cuda")
    cast = torch.autocast("cuda", dtype, enabled=dtype is not None)
    if mode == "infer":
        model.eval()
        if dtype is not None:
            model, x = model.to(dtype), x.to(dtype)
        run_model = torch.compile(model, mode="max-autotune") if how == "compiled" else model

        def step():
            with torch.no_grad():
                return run_model(x)
    else:
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4, fused=True)
        loss_of = nn.CrossEntropyLoss()
        scaler = torch.amp.GradScaler("cuda", enabled=dtype == torch.float16)
        run_model = torch.compile(model, mode="max-autotune") if how == "compiled" else model

        def step():
            with cast:
                loss = loss_of(run_model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)

    begin = time.time()
    while time.time() - begin < 5:
        step()
    torch.cuda.synchronize()
    if how == "profile":
        print(json.dumps({"kernels": kernels(step), "torch": torch.__version__}))
        return
    seconds = []
    begin = time.time()
    while time.time() - begin < 10 or len(seconds) < 5:
        start = time.perf_counter()
        step()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"imagesPerSecond": batch * len(seconds) / sum(seconds), "seconds": seconds, "torch": torch.__version__,
                      "cudnn": torch.backends.cudnn.version(), "cuda": torch.version.cuda,
                      "peakBytes": torch.cuda.max_memory_allocated()}))


if __name__ == "__main__":
    main()
