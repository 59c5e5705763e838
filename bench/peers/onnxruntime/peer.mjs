// Times predictions in ONNX Runtime, as a service in Node.js would make them; see ../serve.mjs. Its arguments are the
// number of threads and the folder of the npm packages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { serve } from '../serve.mjs';

const [threads, packages] = process.argv.slice(2);
const load = createRequire(packages);
const { InferenceSession, Tensor } = load('onnxruntime-node');
const { version } = load('onnxruntime-node/package.json');

/** Outputs may differ by so much from ours, absolutely and relatively. */
const TOLERANCE = 1e-4;

function floats(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** @param scenario with the files that onnx-peer.ts has written */
async function prepare({ batchSize: rows, files, input, expected, parameters }) {
  const values = floats(input.path);
  const shape = [rows, ...input.shape];
  const x =
    input.dtype === 'int64'
      ? new Tensor(
          'int64',
          BigInt64Array.from(new Int32Array(values.buffer, values.byteOffset, values.length), BigInt),
          shape,
        )
      : new Tensor('float32', values, shape);
  const right = floats(expected);
  const variants = {};
  for (const [form, path] of Object.entries(files)) {
    const session = await InferenceSession.create(path, {
      intraOpNumThreads: Number(threads),
      interOpNumThreads: 1,
      freeDimensionOverrides: { rows },
    });
    const [name] = session.outputNames;
    requireEqual(form, (await session.run({ x }))[name].data, right);
    variants[form] = async (steps) => {
      for (let i = 0; i < steps; i++) await session.run({ x });
    };
  }
  return { parameters, variants, remarks: [] };
}

function requireEqual(form, values, right) {
  if (values.length !== right.length) {
    throw new Error(`${form} has ${values.length} outputs instead of ${right.length}`);
  }
  for (let i = 0; i < right.length; i++) {
    const difference = Math.abs(values[i] - right[i]);
    if (!(difference <= TOLERANCE * Math.max(1, Math.abs(right[i])))) {
      throw new Error(`output ${i} of ${form} is ${values[i]} instead of ${right[i]}`);
    }
  }
}

await serve(`ONNX Runtime ${version}`, prepare);
