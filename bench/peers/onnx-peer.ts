import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Peer, Prepared } from '../../lib/bench/peer.js';
import { randomValues } from '../../lib/bench/random-data.js';
import type { Scenario } from '../../lib/bench/scenario.js';
import { sum } from '../../lib/bench/statistics.js';
import { compile, type nn, type Tensor, tensor } from '../../lib/index.js';
import { onnxFiles, onnxShape, onnxValues } from '../onnx/export.js';

/** Files of a scenario: raw values are 32-bit, in the order of ONNX. */
export interface OnnxScenario {
  readonly parameters: number;
  /** Paths of models, by the form in which they have it. */
  readonly files: Readonly<Record<string, string>>;
  readonly input: {
    readonly path: string;
    readonly dtype: 'float32' | 'int64';
    readonly shape: readonly number[];
  };
  /** Path of our outputs. */
  readonly expected: string;
}

/** ONNX Runtime: gets our model with its weights as ONNX files, and compares its outputs with ours before it is timed. */
export class OnnxPeer implements Peer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'chainrule-onnx-'));

  /** @param runtime the process that runs the files */
  constructor(private readonly runtime: Peer) {}

  get name(): string {
    return this.runtime.name;
  }

  get version(): string {
    return this.runtime.version;
  }

  async prepare(scenario: Scenario): Promise<Prepared> {
    if (scenario.kind !== 'predict') throw new Error('it does not train');
    const model = scenario.model().init(1).eval();
    const files = await this.#write(scenario, model);
    return this.runtime.prepare({ ...scenario, ...files });
  }

  round(): Promise<number> {
    return this.runtime.round();
  }

  stop(): void {
    this.runtime.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #write({ name, inputs, batchSize }: Scenario, model: nn.Module): Promise<OnnxScenario> {
    const save = (file: string, bytes: Uint8Array): string => {
      const path = join(this.#folder, file);
      writeFileSync(path, bytes);
      return path;
    };
    const files = Object.fromEntries(
      [...(await onnxFiles({ name, inputs }, model))].map(([form, bytes]) => [
        form,
        save(`${form}.onnx`, bytes),
      ]),
    );
    const values = randomValues(inputs, batchSize);
    const forward = compile((x: Tensor) => model.forward(x));
    const output = await forward(tensor(values, { shape: [batchSize, ...inputs.shape] }));
    const expected = save('expected', bytesOf(await output.data()));
    forward.release();
    return {
      parameters: sum(model.parameters().map(({ size }) => size)),
      files,
      input: {
        path: save('input', bytesOf(onnxValues(values, inputs.shape))),
        dtype: inputs.dtype === 'int32' ? 'int64' : 'float32',
        shape: onnxShape(inputs.shape),
      },
      expected,
    };
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
