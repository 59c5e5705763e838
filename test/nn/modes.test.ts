import { compile, nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';

const ones = tensor(new Float32Array(200).fill(1), { shape: [20, 10] });
const values = async (x: Tensor) => [...(await x.data())];
const identity = new Array<number>(200).fill(1);

/** A block with parts in every place that a module may have them. */
class Block extends nn.Module {
  readonly list = [
    new nn.Dropout(0.1),
    new nn.Residual(new nn.Dropout(0.2), { shortcut: new nn.Dropout(0.3) }),
  ];
  readonly rows = new nn.Sequential(new nn.Sequential(new nn.Dropout(0.4)), new nn.Lambda((x) => x));
  readonly stack = new nn.TransformerEncoder(2, () => new nn.TransformerEncoderLayer(4, 2));
  forward(x: Tensor): Tensor {
    return this.list.reduce((value, layer) => layer.forward(value), x);
  }
}

function everyModule(root: nn.AnyModule): nn.AnyModule[] {
  return [root, ...root.namedChildren().flatMap(([, child]) => everyModule(child))];
}

describe('the mode of a model', () => {
  it('is set in fields, arrays, Sequential, Residual and stacks', () => {
    const all = everyModule(new Block());
    expect(all.filter((module) => module instanceof nn.Dropout)).toHaveLength(4 + 2 * 3);
    const [root] = all as [nn.Module];
    root.eval();
    expect(new Set(all.map(({ training }) => training))).toEqual(new Set([false]));
    root.train();
    expect(new Set(all.map(({ training }) => training))).toEqual(new Set([true]));
  });

  it('and the paths of parameters reach what nested arrays and objects hold', () => {
    class Nest extends nn.Module {
      readonly grid = [[new nn.Linear(1, 1, { bias: false })], [new nn.Dropout(0.1)]];
      readonly heads = {
        mean: new nn.Linear(1, 1),
        more: { last: new nn.BatchNorm1d(1, { affine: false }) },
      };
      readonly self = { here: this as unknown, again: null as unknown };
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const model = new Nest();
    model.self.here = model.self;
    expect(model.namedParameters().map(([path]) => path)).toEqual([
      'grid.0.0.weight',
      'heads.mean.weight',
      'heads.mean.bias',
    ]);
    expect(model.namedBuffers().map(([path]) => path)).toEqual([
      'heads.more.last.running_mean',
      'heads.more.last.running_var',
    ]);
    model.eval();
    expect([model.grid[1]?.[0]?.training, model.heads.more.last.training]).toEqual([false, false]);
  });

  it('decides what a compiled function does at each call', async () => {
    const model = new nn.Sequential(new nn.Dropout(0.5));
    let traces = 0;
    const run = compile((x: Tensor) => {
      traces++;
      return model.forward(x);
    });
    expect(await values(await run(ones))).not.toEqual(identity);
    model.eval();
    expect(await values(await run(ones))).toEqual(identity);
    model.train();
    expect(await values(await run(ones))).not.toEqual(identity);
    model.eval();
    expect(await values(await run(ones))).toEqual(identity);
    // Both modes were kept.
    expect(traces).toBe(2);
    run.release();
  });

  it('of a part counts for itself', async () => {
    const model = new nn.Sequential(new nn.Linear(10, 10), new nn.Dropout(0.5));
    const run = compile((x: Tensor) => model.forward(x));
    const first = await values(await run(ones));
    model[1]?.eval();
    const second = await values(await run(ones));
    run.release();
    expect(first.some((value) => value === 0)).toBe(true);
    expect(second.some((value) => value === 0)).toBe(false);
  });

  it('that a function sets for itself does not make it traced again', async () => {
    const model = new nn.Dropout(0.5);
    let traces = 0;
    const predict = compile((x: Tensor) => {
      traces++;
      model.eval();
      const output = model.forward(x);
      model.train();
      return output;
    });
    expect(await values(await predict(ones))).toEqual(identity);
    expect(await values(await predict(ones))).toEqual(identity);
    expect(traces).toBe(1);
    predict.release();
  });

  it('does not matter to what does not read it', async () => {
    const model = new nn.Linear(10, 2);
    let traces = 0;
    const run = compile((x: Tensor) => {
      traces++;
      return model.forward(x);
    });
    await run(ones);
    model.eval();
    await run(ones);
    expect(traces).toBe(1);
    run.release();
  });
});
