import { invalid } from '../../graph/errors.js';
import type { FileDType } from '../file-dtypes.js';
import type { Literal } from './literal.js';

/** NumPy's name of each dtype that files share with it. */
const names = new Map<FileDType, string>([
  ['bool', 'b1'],
  ['int8', 'i1'],
  ['int16', 'i2'],
  ['int32', 'i4'],
  ['int64', 'i8'],
  ['uint8', 'u1'],
  ['uint16', 'u2'],
  ['uint32', 'u4'],
  ['uint64', 'u8'],
  ['float16', 'f2'],
  ['float32', 'f4'],
  ['float64', 'f8'],
  ['complex64', 'c8'],
]);
const dtypes = new Map([...names].map(([dtype, name]) => [name, dtype]));

/** What the other types of NumPy are, by their letters. */
const refused = new Map([
  ['O', 'object arrays hold pickles, which may run code, and are not read'],
  ['S', 'arrays of bytes (S) are not read'],
  ['a', 'arrays of bytes (S) are not read'],
  ['U', 'arrays of text (U) are not read'],
  ['V', 'arrays of raw bytes (V), as bfloat16 is stored, are not read'],
  ['M', 'arrays of dates (datetime64) are not read'],
  ['m', 'arrays of durations (timedelta64) are not read'],
]);

/** An element type as the header of a file has it. */
export interface Descr {
  readonly dtype: FileDType;
  /** True if the bytes of a number stand in the order of machines other than ours. */
  readonly isBigEndian: boolean;
}

/** The text for the header, as NumPy writes it on our machines. */
export function formatDescr(source: string, dtype: FileDType): string {
  const name = names.get(dtype);
  if (name === undefined) throw invalid(source, `NumPy has no dtype ${dtype}`);
  return `${name.endsWith('1') ? '|' : '<'}${name}`;
}

/** Reads the `descr` of a header; what is no plain number is refused by its name. */
export function parseDescr(source: string, descr: Literal | undefined): Descr {
  if (Array.isArray(descr)) throw invalid(source, 'structured arrays are not read');
  if (typeof descr !== 'string') throw invalid(source, 'the header must have the text descr', descr);
  const [, order, name = '', letter = ''] = /^([<>=|]?)((\w)[\w[\]]*)$/.exec(descr) ?? [];
  const reason = refused.get(letter);
  if (reason !== undefined) throw invalid(source, reason, descr);
  const dtype = dtypes.get(name);
  if (!dtype || (order === '|' && !name.endsWith('1')))
    throw invalid(
      source,
      `the dtype must be one of ${[...names.values()].join(', ')} in NumPy's words`,
      descr,
    );
  return { dtype, isBigEndian: order === '>' };
}
