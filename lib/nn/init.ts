export { constant, normal, ones, uniform, zeros } from './init/basic.js';
export { dirac, identity } from './init/identity.js';
export type { FanMode, InitContext, Initialiser } from './init/initializer.js';
export { orthogonal } from './init/orthogonal.js';
export {
  gain,
  type KaimingOptions,
  kaimingNormal,
  kaimingUniform,
  lecunNormal,
  lecunUniform,
  type Nonlinearity,
  torchDefault,
  xavierNormal,
  xavierUniform,
} from './init/scaled.js';
export { sparse } from './init/sparse.js';
export { truncatedNormal } from './init/truncated-normal.js';
