export { constant, normal, ones, uniform, zeros } from './init/basic.js';
export * from './init/identity.js';
export * from './init/initializer.js';
export * from './init/orthogonal.js';
export * from './init/scaled.js';
export * from './init/sparse.js';
export * from './init/truncated-normal.js';
