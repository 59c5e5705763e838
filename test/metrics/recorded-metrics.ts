import { data, type Figures, metrics, nn, optim, type Tensor, Trainer, type TrainerOptions } from 'chainrule';
import { expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { decode, type Recorded, readFixture } from '../helpers/fixtures.js';
import { report } from '../helpers/report.js';

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
function metricOf([name, options]: Value): Metrics[string] {
  const { zeroDivision, ...others } = options;
  const given = zeroDivision === 'NaN' ? { ...others, zeroDivision: Number.NaN } : options;
  const make = metrics[name as keyof typeof metrics] as (...args: readonly object[]) => Metrics[string];
  return Object.keys(given).length === 0 ? make() : make(given);
}

/** The numbers of a figure, of a table or not. */
export function numbersOf(figures: Figures, name: string): readonly number[] {
  const table = figures.tables?.[name];
  return table ? table.data : [figures[name] as number];
}

/** Checks that metrics are those of scikit-learn, each case with another size of batches and number of workers. */
export function describeMetrics(file: string): void {
  const { cases } = readFixture<{ cases: Record<string, RecordedMetrics> }>(`scikit_learn/${file}`);
  it.each(Object.entries(cases).map(([name, recorded], i) => [name, recorded, i] as const))(
    'are those of scikit-learn: %s',
    async (_, recorded, i) => {
      const named = recorded.values.map((value, j) => [`${value[0]} ${j}`, value] as const);
      const of = Object.fromEntries(named.map(([name, value]) => [name, metricOf(value)]));
      const batchSize = [7, 1000, 16, 3][i % 4] as number;
      const trainer = evaluator(of, { workers: 1 + (i % 3) });
      const figures = await trainer.evaluate(samplesOf(recorded), { batchSize });
      for (const [name, value] of named) {
        const [, options, shape, numbers] = value;
        const what = `${name} ${JSON.stringify(options)}`;
        expect(figures.tables?.[name]?.shape ?? [], what).toEqual(shape);
        const expected = numbers.map((number) => number ?? Number.NaN);
        report(name, 'value', expectClose(what, numbersOf(figures, name), expected, { relative: 1e-13 }));
      }
    },
  );
}
