import { compile, grad, mul, type nn, sum, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { Fn } from './check-op.js';
import { expectClose } from './close.js';
import { decode, type Recorded, type RecordedCase, readFixture, toTensor } from './fixtures.js';
import { report } from './report.js';

/** Results of a layer in PyTorch: its value, and the gradients for its input and its parameters. */
export interface RecordedLayer extends RecordedCase {
  readonly parameters: Readonly<Record<string, Recorded>>;
  readonly parameterGradients: Readonly<Record<string, Recorded>>;
}

interface Cases<C> {
  readonly torch: string;
  readonly cases: Readonly<Record<string, C>>;
}

/** Tells where the cases of a fixture are recorded. */
const recordedBy = (fixture: string) =>
  `PyTorch records the cases of scripts/fixtures/${fixture}.py; see scripts/record-fixtures.py`;

const VALUE = { relative: 1e-5 };
const GRADIENT = { relative: 1e-4, floor: 0.1 };

/**
 * Tests functions against the values and gradients of a fixture's `cases`, in float32. The first word of a case's name
 * is the public function that it checks. A case without recorded gradients checks the value alone.
 *
 * @param functions one for each recorded case, by its name, of the recorded inputs
 */
export function describeRecorded(fixture: string, functions: Readonly<Record<string, Fn>>): void {
  const { torch, cases } = readFixture<Cases<RecordedCase>>(fixture);
  describe(`${fixture} in float32 against PyTorch ${torch}`, () => {
    it('compares every recorded case, and only those', () => {
      expect(Object.keys(functions).sort(), recordedBy(fixture)).toEqual(Object.keys(cases).sort());
    });

    it.each(Object.entries(cases))('%s has the recorded value and gradients', async (name, recorded) => {
      const fn = functions[name] as Fn;
      const { projection, gradients = [] } = recorded;
      const inputs = recorded.inputs.map(toTensor);
      const wanted = inputs.filter((_, i) => gradients[i]);
      const run = compile((...args: Tensor[]) => {
        const output = fn(...args);
        if (!projection) return { output, slopes: [] };
        const leaves = args.filter((_, i) => gradients[i]);
        return { output, slopes: grad(sum(mul(output, toTensor(projection))), leaves) };
      });
      const { output, slopes } = await run(...inputs);
      run.release();
      await checkValue(name, output, recorded.output);
      expect(slopes.length, `${name}: gradients`).toBe(wanted.length);
      const expected = gradients.filter((gradient) => gradient !== null);
      for (const [i, slope] of slopes.entries()) {
        await checkSlope(name, `gradient ${i}`, slope, expected[i] as Recorded);
      }
    });
  });
}

/**
 * Tests layers against a fixture's `cases`, in float32: each is given the recorded parameters, and its value and the
 * gradients for its inputs and its parameters are compared. The first word of a case's name is the layer's class.
 */
export function describeRecordedLayers(
  fixture: string,
  layers: Readonly<Record<string, () => nn.Module>>,
): void {
  const { torch, cases } = readFixture<Cases<RecordedLayer>>(fixture);
  describe(`${fixture} in float32 against PyTorch ${torch}`, () => {
    it('compares every recorded layer, and only those', () => {
      expect(Object.keys(layers).sort(), recordedBy(fixture)).toEqual(Object.keys(cases).sort());
    });

    it.each(Object.entries(cases))('%s has the recorded value and gradients', async (name, recorded) => {
      const layer = (layers[name] as () => nn.Module)();
      const named = layer.namedParameters();
      const paths = named.map(([path]) => path);
      expect(paths).toEqual(Object.keys(recorded.parameters));
      for (const [path, { storage }] of named) {
        storage.data.set(decode(recorded.parameters[path] as Recorded));
      }
      const inputs = recorded.inputs.map(toTensor);
      const gradients = recorded.gradients ?? [];
      const run = compile((...args: Tensor[]) => {
        const output = layer.forward(...args);
        if (!recorded.projection) return { output, slopes: [] };
        const leaves = args.filter((_, i) => gradients[i]);
        const loss = sum(mul(output, toTensor(recorded.projection)));
        return { output, slopes: grad(loss, [...leaves, ...layer.parameters()]) };
      });
      const { output, slopes } = await run(...inputs);
      run.release();
      await checkValue(name, output, recorded.output);
      const ofInputs = gradients.flatMap((gradient, i) =>
        gradient ? [[`input ${i}`, gradient] as const] : [],
      );
      const ofParameters = paths.map(
        (path) => [path, recorded.parameterGradients[path] as Recorded] as const,
      );
      const expected = recorded.projection ? [...ofInputs, ...ofParameters] : [];
      expect(slopes.length, `${name}: gradients`).toBe(expected.length);
      for (const [i, [label, gradient]] of expected.entries()) {
        await checkSlope(name, `gradient of ${label}`, slopes[i] as Tensor, gradient);
      }
    });
  });
}

async function checkValue(name: string, output: Tensor, expected: Recorded): Promise<void> {
  expect(output.shape, `${name}: shape`).toEqual(expected.shape);
  expect(output.dtype, `${name}: dtype`).toBe(expected.dtype);
  const error = expectClose(name, await output.data(), decode(expected), VALUE);
  report(name, 'torchValue', error);
}

async function checkSlope(name: string, label: string, slope: Tensor, expected: Recorded): Promise<void> {
  expect(slope.shape, `${name}: shape of ${label}`).toEqual(expected.shape);
  const error = expectClose(`${name}: ${label}`, await slope.data(), decode(expected), GRADIENT);
  report(name, 'torchGradient', error);
}
