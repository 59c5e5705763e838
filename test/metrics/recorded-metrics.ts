import { data, metrics, nn, optim, type Tensor, Trainer, type TrainerOptions } from 'chainrule';
import { decode, type Recorded, readFixture } from '../helpers/fixtures.js';

/** The value of a metric: its name here, its options, a shape, and numbers, null for NaN. */
type Value = readonly [
  metric: string,
  options: Readonly<Record<string, unknown>>,
  shape: readonly number[],
  numbers: readonly (number | null)[],
];

/** Outputs, targets and weights, and what scikit-learn makes of them. */
export interface RecordedMetrics {
  readonly output: Recorded;
  readonly target: Recorded;
  readonly weights?: Recorded;
  readonly values: readonly Value[];
}

export function readMetrics(name: string): [name: string, recorded: RecordedMetrics][] {
  const { cases } = readFixture<{ cases: Record<string, RecordedMetrics> }>(`scikit_learn/${name}`);
  return Object.entries(cases);
}

/** A model that gives its input, so that outputs are data. */
export class Identity extends nn.Module {
  one: nn.Parameter;

  constructor(dtype: 'float32' | 'float64' = 'float64') {
    super();
    this.one = new nn.Parameter([1], { init: nn.init.ones, dtype });
  }

  forward(x: Tensor): Tensor {
    return x;
  }
}

export type Metrics = NonNullable<TrainerOptions['metrics']>;

/** A trainer that evaluates metrics of outputs that are data. */
export function evaluator(
  of: Metrics,
  { workers = 1, dtype = 'float64' as 'float32' | 'float64' } = {},
): Trainer {
  return new Trainer(new Identity(dtype), {
    loss: (_output, target, _weights) => ({ sum: target.cast('float64').sum().mul(0), weight: 1 }),
    optimizer: optim.sgd({ lr: 0 }),
    workers,
    metrics: of,
  });
}

/** The data set of a case, whose outputs are its inputs. */
export function samplesOf({ output, target, weights }: RecordedMetrics): data.Dataset {
  const shapeOf = ({ shape }: Recorded) => shape.slice(1);
  return data.fromArrays(decode(output), decode(target), {
    inputs: { shape: shapeOf(output) },
    targets: { shape: shapeOf(target) },
    ...(weights ? { weights: decode(weights) } : {}),
  });
}

/** A metric of ours by its name. */
export function metricOf([name, options]: Value): Metrics[string] {
  const { zeroDivision, ...others } = options;
  const given = zeroDivision === 'NaN' ? { ...others, zeroDivision: Number.NaN } : options;
  const make = metrics[name as keyof typeof metrics] as (...args: readonly object[]) => Metrics[string];
  return Object.keys(given).length === 0 ? make() : make(given);
}
