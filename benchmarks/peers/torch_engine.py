"""PyTorch as an engine of the comparison: one JSON request per line on stdin, one JSON answer per line on stdout.

  python3 torch_engine.py VARIANT MODEL BATCH IMAGE_SIZE THREADS
  VARIANT  infer-eager-fp32, infer-jit-fp32, infer-autocast-bf16, train-fp32, train-autocast-bf16
  {"op": "check"}               -> {"logits": [...]}       of the first image of the common input (inference only)
  {"op": "run", "seconds": S}   -> {"latenciesMs": [...]}  one number per batch (inference) or per step (training)

  python3 torch_engine.py export MODEL BATCH IMAGE_SIZE FILE.onnx FILE.safetensors    writes the common weights

All variants are channels_last, what PyTorch recommends on CPUs; jit is traced, frozen and optimize_for_inference'd.
"""
import contextlib, json, struct, sys, time
import torch
import torchvision


def network(name):
    torch.manual_seed(0)
    return getattr(torchvision.models, name)(weights=None)


def common_input(batch, size):
    i = torch.arange(batch * 3 * size * size, dtype=torch.int64)
    return (((i * 7919) % 1000).double() / 500 - 1).float().reshape(batch, 3, size, size)


def export(name, batch, size, onnx_file, safetensors_file):
    model = network(name).eval()
    torch.onnx.export(model, common_input(batch, size), onnx_file, opset_version=13, input_names=["input"],
                      output_names=["logits"], do_constant_folding=True)
    header, blobs, offset = {}, [], 0
    for key, t in model.state_dict().items():
        blob = t.numpy().tobytes()
        header[key] = dict(dtype={torch.float32: "F32", torch.int64: "I64"}[t.dtype], shape=list(t.shape),
                           data_offsets=[offset, offset + len(blob)])
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    with open(safetensors_file, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


class Inference:
    def __init__(self, variant, name, batch, size):
        model = network(name).eval().to(memory_format=torch.channels_last)
        self.x = common_input(batch, size).to(memory_format=torch.channels_last)
        self.bf16 = variant.endswith("bf16")
        with torch.no_grad():
            if "jit" in variant:
                model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, self.x)))
        self.model = model

    @contextlib.contextmanager
    def context(self):
        # Entered once per slice: autocast caches the cast weights as long as it is open.
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            yield

    def step(self):
        return self.model(self.x)


class Training:
    def __init__(self, variant, name, batch, size):
        self.model = network(name).train().to(memory_format=torch.channels_last)
        self.x = common_input(batch, size).to(memory_format=torch.channels_last)
        self.y = torch.arange(batch) * 37 % 1000
        self.bf16 = variant.endswith("bf16")
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def context(self):
        return contextlib.nullcontext()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        # The forward pass and the loss under autocast, the backward pass outside, as PyTorch's manual has it.
        with torch.autocast("cpu", dtype=torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            loss = torch.nn.functional.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def serve(variant, name, batch, size, threads):
    torch.set_num_threads(threads)
    work = (Training if variant.startswith("train") else Inference)(variant, name, batch, size)
    answer = lambda value: print(json.dumps(value), flush=True)
    onednn = [line.strip(" -") for line in torch.__config__.show().splitlines() if "MKL-DNN" in line or "oneDNN" in line]
    answer(dict(ready=True, versions=dict(torch=torch.__version__, torchvision=torchvision.__version__,
                                          torchOneDnn=onednn[0] if onednn else "none")))
    for line in sys.stdin:
        request = json.loads(line)
        with work.context():
            if request["op"] == "check":
                answer(dict(logits=work.step()[0].float().tolist()))
                continue
            if isinstance(work, Inference):
                work.step()
            latencies, begin = [], time.perf_counter()
            last = begin
            while not latencies or last - begin < request["seconds"]:
                work.step()
                now = time.perf_counter()
                latencies.append((now - last) * 1e3)
                last = now
            answer(dict(latenciesMs=latencies))


if __name__ == "__main__":
    if sys.argv[1] == "export":
        export(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], sys.argv[6])
    else:
        serve(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
