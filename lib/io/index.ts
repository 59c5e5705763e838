export {
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsContent,
  type SafetensorsHeader,
  writeSafetensors,
} from './safetensors.js';
export { requireWritable } from './writable.js';
