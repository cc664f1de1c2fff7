// ONNX Runtime as an engine of the comparison: one JSON request per line on stdin, one JSON answer per line on stdout.
//
//   node onnxruntime_engine.cjs MODEL.onnx BATCH IMAGE_SIZE THREADS      (cwd: the folder that holds node_modules)
//   {"op": "check"}                  -> {"logits": [...]}        of the first image of the common input
//   {"op": "run", "seconds": S}      -> {"latenciesMs": [...]}   one number per batch, from input to logits
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const ort = require(require.resolve('onnxruntime-node', { paths: [process.cwd()] }));

const [model, batch, size, threads] = [process.argv[2], ...process.argv.slice(3).map(Number)];

function input() {
    const values = new Float32Array(batch * 3 * size * size);
    for (let i = 0; i < values.length; i++) values[i] = ((i * 7919) % 1000) / 500 - 1;
    return new ort.Tensor('float32', values, [batch, 3, size, size]);
}

async function main() {
    const session = await ort.InferenceSession.create(model, {
        intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all',
        enableCpuMemArena: true, enableMemPattern: true,
    });
    const feeds = { [session.inputNames[0]]: input() };
    const answer = (value) => fs.writeSync(1, JSON.stringify(value) + '\n');
    const version = JSON.parse(fs.readFileSync(path.join(process.cwd(), 'node_modules/onnxruntime-node/package.json'))).version;
    answer({ ready: true, versions: { onnxruntime: version, node: process.version } });
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const request = JSON.parse(line);
        const run = async () => (await session.run(feeds))[session.outputNames[0]].data;
        if (request.op === 'check') {
            const logits = await run();
            answer({ logits: Array.from(logits.slice(0, logits.length / batch)) });
        } else {
            await run();
            const latenciesMs = [];
            const begin = process.hrtime.bigint();
            let last = begin;
            do {
                await run();
                const now = process.hrtime.bigint();
                latenciesMs.push(Number(now - last) / 1e6);
                last = now;
            } while (Number(last - begin) / 1e9 < request.seconds);
            answer({ latenciesMs });
        }
    }
}

main().catch((error) => { console.error(error.message ?? error); process.exit(1); });
