/** True in `npm run test:long`, which runs the long proofs whole; `npm test` runs a sample of each. */
export const LONG = process.env.CHAINRULE_LONG === '1';
