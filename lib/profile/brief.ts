/** Whether measurements are brief because nobody reads their figures, as in `npm test`. The variable CHAINRULE_BRIEF is 1. */
export const BRIEF = process.env.CHAINRULE_BRIEF === '1';
