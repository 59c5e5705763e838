// Every element-wise op, by theme.
export * from './activation.js';
export * from './arithmetic.js';
export * from './logic.js';
export type { Immediate, Operand } from './map.js';
export * from './transcendental.js';
