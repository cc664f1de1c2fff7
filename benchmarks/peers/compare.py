"""Runs the engines in turn on each piece of work and reports medians and ratios. Started by ./run, which see.

Rounds: every engine gets one slice per round, and each round starts one engine further on, so that drift of the machine
(clock, neighbours) meets all alike. A ratio is that of the medians; beside it stands the median of the ratios within each round.
"""
import argparse, datetime, json, os, platform, statistics, subprocess, sys
from engines import HERE, ROOT, NotMeasured, engines_for

OURS = ("ours fp32", "ours bf16")


def machine():
    with open("/proc/cpuinfo") as f:
        info = dict(line.split(":", 1) for line in f.read().split("\n\n")[0].splitlines() if ":" in line)
    info = {k.strip(): v.strip() for k, v in info.items()}
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) * 1024
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    return dict(cpu=info.get("model name", platform.processor()), cores=os.cpu_count(), memoryBytes=memory, kernel=platform.release().split('-')[0],
                instructionSets=[s for s in wanted if s in info.get("flags", "").split()], loadAverageAtStart=os.getloadavg()[0])


def check(engines, work):
    """Largest deviation of each engine's logits from the first that has any in fp32, relative to the largest logit."""
    truth, result = None, {}
    for engine in sorted(engines, key=lambda e: "eager fp32" not in e.name):
        try:
            logits = engine.logits()
        except NotMeasured as reason:
            result[engine.name] = f"not compared: {reason}"
            continue
        truth = truth or logits
        largest = max(map(abs, truth))
        deviation = max(abs(a - b) for a, b in zip(logits, truth)) / largest
        bound = 0.1 if "bf16" in engine.name else 1e-3
        if len(logits) != len(truth) or not deviation <= bound:
            raise SystemExit(f"peers: {engine.name} computes other logits than PyTorch on {work}: deviation {deviation:.2g} of the largest")
        result[engine.name] = deviation
    return result


def measure(work, options):
    engines = engines_for(work, options.threads, options.cache, sys.executable)
    slices, reasons, versions, ready = {e.name: [] for e in engines}, {}, {}, list(engines)

    def attempt(engine, step):
        try:
            return step()
        except NotMeasured as reason:
            reasons[engine.name] = str(reason)
            ready.remove(engine)

    try:
        for engine in engines:
            attempt(engine, engine.start)
        agreement = check(ready, work) if work["mode"] == "infer" else {}
        for engine in list(ready):
            attempt(engine, lambda: engine.slice(min(1.0, options.seconds)))
        for round_number in range(options.rounds):
            turn = round_number % max(1, len(ready))
            for engine in ready[turn:] + ready[:turn]:
                if (own := attempt(engine, lambda: engine.slice(options.seconds))) is not None:
                    slices[engine.name].append(own)
            print(f"peers: {label(work)}, round {round_number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for engine in ready:
            versions.update(engine.versions)
    finally:
        for engine in engines:
            engine.close()
    results = {}
    for engine in engines:
        own = slices[engine.name]
        if engine.name in reasons:
            results[engine.name] = dict(notMeasured=reasons[engine.name])
            continue
        median = lambda key: statistics.median(s[key] for s in own)
        results[engine.name] = dict(
            imagesPerSecond=median("imagesPerSecond"), latencyMsP50=median("p50Ms"),
            spread=[min(s["imagesPerSecond"] for s in own), max(s["imagesPerSecond"] for s in own)],
            peakResidentBytes=max(s["peakResidentBytes"] for s in own),
            **{k: own[-1][k] for k in ("peakBytes", "planSeconds") if k in own[-1]},
            logitsDeviation=agreement.get(engine.name),
            slices=own)
    for engine in results.values():
        for ours in OURS:
            if "notMeasured" in engine or "notMeasured" in results[ours]:
                continue
            per_second, peak = "imagesPerSecond", "peakResidentBytes"
            engine.setdefault("ratioOfOurs", {})[ours] = results[ours][per_second] / engine[per_second]
            engine.setdefault("ratioWithinRounds", {})[ours] = statistics.median(
                a[per_second] / b[per_second] for a, b in zip(slices[ours], engine["slices"]))
            engine.setdefault("memoryOfOurs", {})[ours] = results[ours][peak] / engine[peak]
    return dict(work=work, results=results), versions


def label(work):
    return f"{work['model']} {work['mode']} batch {work['batch']}, {work['imageSize']}x{work['imageSize']}"


def markdown(report):
    m = report["machine"]
    lines = [f"Measured {report['date']} on {m['cpu']}, {report['threads']} threads of {m['cores']} "
             f"({', '.join(m['instructionSets'])}), {report['rounds']} rounds of {report['seconds']} s in turn; "
             f"load average at start {m['loadAverageAtStart']:.1f}. Medians and ratios of medians; in brackets, the median of the ratios within each round.", "",
             "Versions: " + ", ".join(f"{k} {v}" for k, v in report["versions"].items()) + ".", ""]
    for entry in report["work"]:
        lines += [f"**{label(entry['work'])}**", "",
                  "| engine | img/s | lowest to highest | batch p50 ms | peak resident MiB | ours fp32 is | ours bf16 is | ours bf16 takes |",
                  "|---|---:|---:|---:|---:|---:|---:|---:|"]
        for name, r in entry["results"].items():
            if "notMeasured" in r:
                lines.append(f"| {name} | not measured: {r['notMeasured']} | | | | | | |")
                continue
            ratios = [f"{r['ratioOfOurs'][o]:.2f}x ({r['ratioWithinRounds'][o]:.2f}x)" if o in r.get("ratioOfOurs", {}) and o != name else ""
                      for o in OURS]
            ratios.append(f"{r['memoryOfOurs'][OURS[1]]:.2f}x memory" if OURS[1] in r.get("memoryOfOurs", {}) and name not in OURS else "")
            lines.append(f"| {name} | {r['imagesPerSecond']:.1f} | {r['spread'][0]:.1f} to {r['spread'][1]:.1f} | {r['latencyMsP50']:.1f} | "
                         f"{r['peakResidentBytes'] / 2**20:.0f} | " + " | ".join(ratios) + " |")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/peers/run", description="Ours against ONNX Runtime and PyTorch on this CPU.")
    parser.add_argument("--quick", action="store_true", help="resnet18, small batches, two short rounds: shows that it works, not how fast")
    parser.add_argument("--out", help="folder for peers.json and peers.md")
    parser.add_argument("--models", help="comma-separated torchvision names (default resnet50,resnet18)")
    parser.add_argument("--modes", default="infer,train", help="comma-separated: infer, train")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="length of a slice")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cache", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = options.seconds or (1.0 if options.quick else 4.0)
    models = (options.models or ("resnet18" if options.quick else "resnet50,resnet18")).split(",")
    infer_batches, train_batch = ([1, 4], 4) if options.quick else ([1, 16], 16)

    work = []
    for model in models:
        work += [dict(mode="infer", model=model, batch=b, imageSize=224) for b in infer_batches if "infer" in options.modes]
        work += [dict(mode="train", model=model, batch=train_batch, imageSize=224)] if "train" in options.modes else []
    for item in work:
        onnx = f"{options.cache}/{item['model']}-{item['batch']}x{item['imageSize']}.onnx"
        if item["mode"] == "infer" and not os.path.exists(onnx):
            subprocess.run([sys.executable, f"{HERE}/torch_engine.py", "export", item["model"], str(item["batch"]), str(item["imageSize"]),
                            onnx + ".new", f"{options.cache}/{item['model']}.safetensors"], check=True, stdout=subprocess.DEVNULL)
            os.rename(onnx + ".new", onnx)

    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    dotnet = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    report = dict(date=datetime.date.today().isoformat(), machine=machine(), threads=options.threads, rounds=options.rounds,
                  seconds=options.seconds, versions=dict(ours=commit, dotnet=dotnet), work=[])
    for item in work:
        entry, versions = measure(item, options)
        report["work"].append(entry)
        report["versions"].update(versions)
        if options.out:
            os.makedirs(options.out, exist_ok=True)
            with open(f"{options.out}/peers.json", "w") as f:
                json.dump(report, f, indent=1)
                f.write("\n")
            with open(f"{options.out}/peers.md", "w") as f:
                f.write(markdown(report))
    print(markdown(report))


if __name__ == "__main__":
    main()
