"""PyTorch's best at the same work: resnet50, channels_last, autocast in the same type, CUDA graphs where compiled.

usage: side_by_side.py infer|train PRECISION BATCH eager|compiled; prints one JSON object.
"""
import json
import sys
import time

try:
    import torch
    from torch import nn
except ImportError as error:
    sys.exit(f"side_by_side: PyTorch is not here ({error}); run with the python that has it")


def block(inputs, width, stride):
    class Bottleneck(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = nn.Sequential(
                nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width))
            self.shortcut = nn.Identity() if inputs == 4 * width and stride == 1 else nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

        def forward(self, x):
            return torch.relu(self.branch(x) + self.shortcut(x))
    return Bottleneck()


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate((3, 4, 6, 3)):
        for i in range(count):
            layers.append(block(inputs, 64 << stage, 2 if i == 0 and stage > 0 else 1))
            inputs = 4 * (64 << stage)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    if not torch.cuda.is_available():
        sys.exit("side_by_side: PyTorch finds no GPU here")
    mode, precision, batch, how = sys.argv[1:]
    batch = int(batch)
    types = {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    dtype = types[precision]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    model = resnet50().cuda().to(memory_format=torch.channels_last)
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
