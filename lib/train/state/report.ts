import { namedIn, refusedOf, requireKnown } from '../../checkpoint/allowed.js';
import { invalid } from '../../graph/errors.js';
import { describeReport, fitsWholly, type LoadReport } from '../../nn/state/report.js';
import type { TrainerLoadOptions } from './options.js';

/** How a state fits a trainer: empty lists where it does. */
export interface TrainerLoadReport extends LoadReport {
  /** Settings in which the trainer's optimiser differs from that of the state. It keeps its own. */
  readonly settings: readonly SettingDifference[];
}

/** A setting in which a trainer's optimiser differs from that of a state. */
export interface SettingDifference {
  /** As the option `allow` takes it: 'optimizer.lr'. */
  readonly name: string;
  /** Both values: 'optimizer.lr: 0.1 in the state, 0.01 given'. */
  readonly text: string;
}

/** A state that has been read and checked, and changes nothing until `commit` is called. */
export interface Prepared {
  readonly report: TrainerLoadReport;
  /**
   * Changes the trainer, all at once.
   *
   * @returns what it could not restore, in words
   */
  commit(): readonly string[];
}

/**
 * Checks that nothing is amiss but what is allowed; with `strict: false` also that is not checked.
 *
 * @param settings all names of settings
 */
export function requireFit(
  report: TrainerLoadReport,
  { strict = true, allow = [] }: TrainerLoadOptions,
  settings: readonly string[],
): void {
  requireKnown('loadState', 'allow', allow, settings);
  if (!strict) return;
  const refused = refusedOf(report.settings, allow);
  // Of another optimiser's state there is too much that differs.
  const other = refused.filter(({ name }) => name === 'optimizer');
  if (other.length > 0)
    throw invalid(
      'loadState',
      `the state is of another optimiser: ${textOf(other)}${namedIn('allow', other)}`,
    );
  const texts = [...(fitsWholly(report) ? [] : [describeReport(report)]), ...refused.map(({ text }) => text)];
  if (texts.length === 0) return;
  const remedy = namedIn('allow', refused);
  throw invalid('loadState', `the state does not fit the trainer: ${texts.join('; ')}${remedy}`);
}

function textOf(differences: readonly SettingDifference[]): string {
  return differences.map(({ text }) => text).join('; ');
}
