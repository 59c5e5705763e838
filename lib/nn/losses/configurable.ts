import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import { tensor } from '../../graph/arguments/kinds.js';
import type { Options } from '../../graph/arguments/options.js';
import type { Tensor } from '../../graph/tensor.js';

/**
 * A function of tensors that takes options in two ways: `loss(output, target, options)` for one call, and
 * `loss.with(options)`, which binds them and returns a function of the tensors alone, as a Trainer needs.
 */
export type Configurable<Inputs extends Tensor[], O, Fixed extends (...inputs: Inputs) => Tensor> = ((
  ...args: [...inputs: Inputs, options?: O]
) => Tensor) &
  Fixed & { with(options: O): Fixed };

const bound = new WeakMap<object, { readonly op: string; readonly options: object }>();

/** The name of a loss or a metric of the package and the options that it was given; undefined for other functions. */
export function boundOptions(fn: object): { readonly op: string; readonly options: object } | undefined {
  return bound.get(fn);
}

/**
 * Makes a `Configurable`. The function that `fix` returns may have properties that depend on the options, such as the
 * metrics of a loss; the `Configurable` itself has those of the default options.
 *
 * @param op name in error messages
 * @param names names of the inputs, in order
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
  const inputs = Object.fromEntries(names.map((name) => [name, tensor]));
  const fixed = (given?: O): Fixed => {
    const made = fix(given);
    const own = Object.assign(
      checked(op, inputs, (...args: Inputs) => made(...args)),
      made,
    );
    bound.set(own, { op, options: given ?? {} });
    return own;
  };
  const standard = fixed();
  const call = checked(
    op,
    { ...inputs, options: optional(options) },
    (...args: readonly unknown[]): Tensor => {
      const given = args[names.length] as O | undefined;
      return (given === undefined ? standard : fix(given))(...(args.slice(0, names.length) as Inputs));
    },
  );
  const configure = checked(op, { options }, (given: O): Fixed => fixed(given));
  bound.set(call, { op, options: {} });
  return Object.assign(call, standard, { with: configure }) as unknown as Configurable<Inputs, O, Fixed>;
}
