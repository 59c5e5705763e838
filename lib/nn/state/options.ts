import { isRecord } from '../../graph/arguments/is-record.js';
import { either, type Kind, kind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';

/**
 * The order of the axes of weights in a state: 'chainrule' as they are here, channels last; 'pytorch' as PyTorch has them.
 * The layers say which of their weights differ.
 */
export type Layout = 'chainrule' | 'pytorch';

/** Options of `Module.state`. */
export interface StateOptions {
  /** Default 'chainrule'. */
  readonly layout?: Layout;
}

/** Options of `Module.save`. */
export interface SaveOptions extends StateOptions {
  /** Free text that is kept with the tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Options of `Module.load` and `Module.loadState`. */
export interface LoadOptions {
  /**
   * If true, a state that does not fit in any way is an error, and nothing is loaded. If false, what fits is loaded, and
   * the report says what did not. Default true.
   */
  readonly strict?: boolean;
  /** Only names that begin with it are read, without it: 'module.' for a model that was wrapped. Default ''. */
  readonly prefix?: string;
  /**
   * The model's names for those of the state, once the prefix is off: a record of some, or a function of all, which
   * leaves a tensor out where it returns undefined.
   */
  readonly rename?: Readonly<Record<string, string>> | ((name: string) => string | undefined);
  /** The layout of the state. Default 'chainrule'. */
  readonly layout?: Layout;
  /**
   * Whether values may be rounded, as float64 to float32, or become another kind of number, as int64 to float32. Without it
   * only types that hold every value are taken, as float32 for F16 and BF16. Default false.
   */
  readonly cast?: boolean;
}

const layout = kinds.oneOf<Layout>('chainrule', 'pytorch');
const strings: Kind<Readonly<Record<string, string>>> = kinds.recordOf(kinds.string, 'an object of strings');
const rename = either(
  strings,
  kind<(name: string) => string | undefined>('a function', (value) => typeof value === 'function'),
);

export const stateOptions: Options<StateOptions> = optionsOf<StateOptions>({ layout });

export const loadOptions: Options<LoadOptions> = optionsOf<LoadOptions>({
  strict: kinds.boolean,
  prefix: kinds.string,
  rename,
  layout,
  cast: kinds.boolean,
});

const anySaveOptions = optionsOf<SaveOptions>({ layout, metadata: strings });

/** The options of `save`, in whose place the metadata themselves stood once. */
export const saveOptions: Options<SaveOptions> = {
  ...anySaveOptions,
  explain(op, name, value) {
    const keys = isRecord(value) ? Object.keys(value) : [];
    if (keys.length > 0 && keys.every((key) => !Object.hasOwn(anySaveOptions.kinds, key)))
      return invalid(op, 'takes options, of which metadata are one: write { metadata: { ... } }', value);
    return anySaveOptions.explain?.(op, name, value);
  },
};
