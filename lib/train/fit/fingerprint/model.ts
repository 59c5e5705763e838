import { grad } from '../../../autodiff/grad.js';
import { GRAPH } from '../../../checkpoint/differences.js';
import type { Fingerprint, Plain } from '../../../checkpoint/fingerprint.js';
import { type Columns, sidesOf } from '../../../data/columns.js';
import type { Form } from '../../../data/index.js';
import type { Variable } from '../../../graph/leaf.js';
import { traced } from '../../../graph/trace.js';
import { LOSS, recordCalls } from '../../../health/record.js';
import type { BatchLoss, LossPart } from '../../../nn/losses/batch-loss.js';
import { boundOptions } from '../../../nn/losses/configurable.js';
import { requireAllTerms, weightedSum } from '../../../nn/losses/sums.js';
import { forwardOf } from '../../../nn/model-input.js';
import type { AnyModule } from '../../../nn/module.js';
import { MODEL, modulesOf } from '../../../nn/module-tree.js';
import { placeholders } from '../../../parallel/prepare/compile-shard.js';
import type { JobContext } from '../../prepare/compile-job.js';
import { inModes, keptParts } from '../../prepare/mode.js';
import { graphDigest, layerDigests, type NameOf } from './graph-digest.js';
import { plainOf } from './plain.js';

/**
 * What model and loss compute in a training step: a part for each layer and one for the loss, by the ops that it makes,
 * and `graph` for the whole step with its gradients. Values of parameters and buffers do not count.
 *
 * @param rows of the batch that is traced, on which some ops depend
 * @param sharded true if a batch is cut into several shards, which exchange values
 */
export function modelFingerprint(
  { model, modes, loss, parameters }: JobContext,
  forms: Columns<Form>,
  rows: number,
  sharded: boolean,
): Fingerprint {
  const nameOf = namesIn(model);
  const { inputs, targets, weights } = sidesOf(placeholders({ forms, rows }));
  // In the order of the model: that of the memory depends on the optimiser's groups.
  const trained = model.parameters().filter((parameter) => parameters.offsets.has(parameter));
  const { roots, gradients } = inModes(modes, () => {
    const { result, trace } = traced(() => {
      const { total, divisors } = recordCalls(model, () => {
        const output = forwardOf('Trainer', model)(inputs);
        const terms = requireAllTerms('Trainer', 'the loss', loss(output, targets, weights));
        return {
          total: weightedSum(terms.map(({ factor, sum }) => ({ factor, value: sum }))),
          divisors: terms.flatMap(({ weight }) => (weight ? [weight] : [])),
        };
      }).result;
      return { roots: [total, ...divisors], gradients: grad(total, trained) };
    }, sharded);
    const { gradients } = result;
    const assigned = [...trace.assignments].sort(([a], [b]) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const values = assigned.map(([, value]) => value);
    return { roots: [...result.roots, ...values], gradients };
  });
  const digests = layerDigests(roots, nameOf);
  const modules = modulesOf(model);
  const layers = [...digests].map(([path, digest]): [string, Plain] => {
    const module = modules.get(path);
    const text = path === LOSS || !module ? lossesText(loss) : moduleText(module);
    return [nameOfLayer(path), { text, digest, of: 'operations' }];
  });
  const kept = keptParts(model, modes).map(({ path }) => path);
  const frozen = model.namedParameters().filter(([, parameter]) => !parameter.trainable);
  return {
    ...Object.fromEntries(layers),
    [GRAPH]: {
      text: 'the training step',
      digest: graphDigest([...roots, ...gradients], nameOf),
      of: 'operations',
    },
    frozen: plainOf(frozen.map(([path]) => path)),
    inference: plainOf(kept),
  };
}

function nameOfLayer(path: string): string {
  if (path === LOSS) return 'loss';
  return path === MODEL ? 'model' : `model.${path}`;
}

/** Names the variables of a model by their paths, and others by the order in which they are met. */
function namesIn(model: AnyModule): NameOf {
  const names = new Map<Variable, string>(
    [...model.namedParameters(), ...model.namedBuffers()].map(([path, variable]) => [variable, path]),
  );
  return (variable) => {
    const name = names.get(variable) ?? `variable ${names.size}`;
    names.set(variable, name);
    return name;
  };
}

/** A module with its plain fields: `Dropout(rate: 0.5)`. */
function moduleText(module: AnyModule): string {
  const plain = Object.entries(module).filter(([name, value]) => name !== 'training' && isPlainField(value));
  return call(module.constructor.name, plain);
}

function isPlainField(value: unknown): boolean {
  if (Array.isArray(value)) return value.length <= 4 && value.every((part) => typeof part === 'number');
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string';
}

function lossesText({ parts }: BatchLoss): string {
  const texts = parts.map(({ name, factor, loss }) => {
    const text = factor === 1 ? lossText(loss) : `${factor} * ${lossText(loss)}`;
    return name === null ? text : `${name}: ${text}`;
  });
  return texts.join(', ');
}

function lossText(loss: LossPart['loss']): string {
  const { op, options } = boundOptions(loss) ?? {};
  if (op === undefined || !options) return `the function ${loss.name}`.trimEnd();
  const all = Object.entries(options).filter(([, value]) => value !== undefined);
  return call(op, all);
}

function call(name: string, values: readonly (readonly [string, unknown])[]): string {
  if (values.length === 0) return name;
  return `${name}(${values.map(([key, value]) => `${key}: ${textOf(value)}`).join(', ')})`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  return ArrayBuffer.isView(value) ? value.constructor.name : String(value);
}
