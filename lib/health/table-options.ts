import * as kinds from '../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../graph/arguments/options.js';

/** Options of the functions that format reports as tables of text. */
export interface TableOptions {
  /**
   * Width of the tables in columns of a terminal: texts are shortened in the middle, and what does not fit follows in a
   * further table. Default 120.
   */
  readonly columns?: number;
}

export const tableOptions: Options<TableOptions> = optionsOf<TableOptions>({ columns: kinds.count });
