import { checked } from '../../graph/arguments/checked.js';
import { type Kind, optional } from '../../graph/arguments/kind.js';
import { tensor } from '../../graph/arguments/kinds.js';
import type { Options } from '../../graph/arguments/options.js';
import { Tensor } from '../../graph/tensor.js';
import type { OutputAndTarget } from './loss.js';

/** The name of the weights of samples among the inputs. */
const WEIGHTS = 'weights';

/**
 * A function of tensors that takes options in two ways: `loss(output, target, options)` for one call, and
 * `loss.with(options)`, which binds them and returns a function of the tensors alone, as a Trainer needs. Where samples may
 * have weights, both take these as a third tensor: `loss(output, target, weights)`.
 */
export type Configurable<Inputs extends Tensor[], O, Fixed extends (...inputs: Inputs) => Tensor> = ((
  ...args: [...inputs: Inputs, options?: Inputs extends OutputAndTarget ? O | Tensor : O]
) => Tensor) &
  Pick<Fixed, keyof Fixed> & { with(options: O): Fixed };

/** A loss or a metric of the package, with its options. */
interface Bound {
  readonly op: string;
  readonly options: object;
  /** True if it takes the weights of samples. */
  readonly isWeighted: boolean;
}

const bound = new WeakMap<object, Bound>();

/** The name of a loss or a metric of the package and the options that it was given; undefined for other functions. */
export function boundOptions(fn: object): Bound | undefined {
  return bound.get(fn);
}

/** True if a loss or a metric takes the weights of samples, as its third parameter. */
export function takesWeights(fn: (...args: never[]) => unknown): boolean {
  return bound.get(fn)?.isWeighted ?? fn.length > 2;
}

/**
 * Makes a `Configurable`. The function that `fix` returns may have properties that depend on the options, such as the
 * metrics of a loss; the `Configurable` itself has those of the default options.
 *
 * @param op name in error messages
 * @param names names of the inputs, in order; `weights`, the last one of all, may be left out
 * @param options the kinds of the options
 * @param fix checks the options, and returns the function with these options
 */
export function configurable<
  Inputs extends Tensor[],
  O extends object,
  Fixed extends (...inputs: Inputs) => Tensor,
>(
  op: string,
  names: readonly string[],
  options: Options<O>,
  fix: (options?: O) => Fixed,
): Configurable<Inputs, O, Fixed> {
  const isWeighted = names.at(-1) === WEIGHTS;
  const needed = names.filter((name) => name !== WEIGHTS);
  const inputs = Object.fromEntries(needed.map((name) => [name, tensor]));
  const fixed = (given?: O): Fixed => {
    const made = fix(given);
    const own = Object.assign(
      checked(op, isWeighted ? { ...inputs, [WEIGHTS]: optional(tensor) } : inputs, (...args: Inputs) =>
        made(...args),
      ),
      made,
    );
    bound.set(own, { op, options: given ?? {}, isWeighted });
    return own;
  };
  const standard = fixed();
  const last: Kind<unknown> = isWeighted
    ? {
        ...options,
        description: `${options.description}, or the weights of samples, a tensor`,
        accepts: (value) => value instanceof Tensor || options.accepts(value),
      }
    : options;
  const call = checked(op, { ...inputs, options: optional(last) }, (...args: readonly unknown[]): Tensor => {
    const given = args[needed.length];
    const isOptions = given !== undefined && !(given instanceof Tensor);
    const own = (isOptions ? args.slice(0, needed.length) : args) as Inputs;
    return (isOptions ? fix(given as O) : standard)(...own);
  });
  const configure = checked(op, { options }, (given: O): Fixed => fixed(given));
  bound.set(call, { op, options: {}, isWeighted });
  return Object.assign(call, standard, { with: configure }) as unknown as Configurable<Inputs, O, Fixed>;
}
