export type { FileTensor } from './file-dtypes.js';
export { readNpy, writeNpy } from './numpy/npy.js';
export { readNpz, writeNpz } from './numpy/npz.js';
export {
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsContent,
  type SafetensorsHeader,
  writeSafetensors,
} from './safetensors.js';
export { readTorch } from './torch/torch.js';
export { requireWritable } from './writable.js';
