import { invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';

/**
 * A function of tensors that takes options in two ways: `loss(output, target, options)` for one call, and
 * `loss.with(options)`, which binds them and returns a function of the tensors alone, as a Trainer needs.
 */
export type Configurable<Inputs extends Tensor[], Options, Fixed extends (...inputs: Inputs) => Tensor> = ((
  ...args: [...inputs: Inputs, options?: Options]
) => Tensor) &
  Fixed & { with(options: Options): Fixed };

/**
 * Makes a `Configurable`. The function that `fix` returns may have properties that depend on the options, such as the
 * metrics of a loss; the `Configurable` itself has those of the default options.
 *
 * @param op name in error messages
 * @param names names of the inputs, in order
 * @param fix checks the options, and returns the function with these options
 */
export function configurable<
  Inputs extends Tensor[],
  Options extends object,
  Fixed extends (...inputs: Inputs) => Tensor,
>(
  op: string,
  names: readonly string[],
  fix: (options?: Options) => Fixed,
): Configurable<Inputs, Options, Fixed> {
  const guarded = (fixed: Fixed): Fixed => {
    const call = (...inputs: Inputs): Tensor => {
      names.forEach((name, i) => {
        if (!(inputs[i] instanceof Tensor)) throw invalid(op, `${name} must be a tensor`, inputs[i]);
      });
      return fixed(...inputs);
    };
    return Object.assign(call, fixed);
  };
  const configure = (options: unknown): Fixed => {
    if (typeof options !== 'object' || options === null || options instanceof Tensor) {
      throw invalid(op, 'options must be an object', options);
    }
    return guarded(fix(options as Options));
  };
  const standard = guarded(fix());
  const call = (...args: unknown[]): Tensor => {
    const options = args[names.length];
    const fixed = options === undefined ? standard : configure(options);
    return fixed(...(args.slice(0, names.length) as Inputs));
  };
  return Object.assign(call, standard, { with: configure }) as Configurable<Inputs, Options, Fixed>;
}
