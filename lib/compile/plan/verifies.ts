/**
 * True if every pass of the compiler is checked, data flow included, as it is in all tests. Elsewhere that is left out,
 * since it takes a tenth of the time of a compilation or more; graph and plan are checked always.
 */
export const VERIFIES = process.env.CHAINRULE_VERIFY === '1';
