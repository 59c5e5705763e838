import type { ChainruleError } from '../../graph/errors.js';
import { shortened } from '../../text/names.js';
import type { ByteSource } from '../byte-source.js';
import { bitsPerElement, type FileDType } from '../file-dtypes.js';
import { Global, pythonGlobals, type Surroundings } from './pickle/globals.js';
import { rebuildParameter, rebuildTensor, rebuildUntypedTensor, Storage, TorchDType } from './tensor.js';

/** The class of a storage, with the type of its elements; undefined for bytes of any type. */
class StorageClass extends Global {
  readonly dtype: FileDType | undefined;

  constructor(name: string, dtype: FileDType | undefined) {
    super(name);
    this.dtype = dtype;
  }
}

const storageClasses: readonly StorageClass[] = [
  new StorageClass('torch.FloatStorage', 'float32'),
  new StorageClass('torch.DoubleStorage', 'float64'),
  new StorageClass('torch.HalfStorage', 'float16'),
  new StorageClass('torch.BFloat16Storage', 'bfloat16'),
  new StorageClass('torch.ByteStorage', 'uint8'),
  new StorageClass('torch.CharStorage', 'int8'),
  new StorageClass('torch.ShortStorage', 'int16'),
  new StorageClass('torch.IntStorage', 'int32'),
  new StorageClass('torch.LongStorage', 'int64'),
  new StorageClass('torch.BoolStorage', 'bool'),
  new StorageClass('torch.ComplexFloatStorage', 'complex64'),
  new StorageClass('torch.storage.UntypedStorage', undefined),
  new StorageClass('torch.UntypedStorage', undefined),
];

/** Names that PyTorch and files share. */
const shared: readonly FileDType[] = [
  ...(['float32', 'float64', 'float16', 'bfloat16', 'float8_e4m3fn', 'float8_e5m2'] as const),
  ...(['uint8', 'int8', 'int16', 'int32', 'int64', 'bool', 'uint16', 'uint32', 'uint64'] as const),
  ...(['float8_e8m0fnu', 'complex64'] as const),
];
/** Those that may stand in a file as values alone. */
const others = ['complex32', 'complex128', 'float8_e4m3fnuz', 'float8_e5m2fnuz'];

const globals = new Map<string, Global>(
  [
    ...pythonGlobals,
    ...storageClasses,
    ...shared.map((name) => new TorchDType(name, name)),
    ...others.map((name) => new TorchDType(name, undefined)),
    new Global('torch._utils._rebuild_tensor_v2', rebuildTensor),
    new Global('torch._utils._rebuild_tensor_v3', rebuildUntypedTensor),
    new Global('torch._utils._rebuild_parameter', rebuildParameter),
    new Global('torch._utils._rebuild_parameter_with_state', rebuildParameter),
    new Global('torch.Size', ({ args: [sizes, ...surplus], error }) => {
      if (!Array.isArray(sizes) || surplus.length > 0) throw error('a torch.Size is made of a tuple', sizes);
      return sizes;
    }),
    new Global('torch.device', ({ args: [type, index, ...surplus], error }) => {
      const isIndex = index === undefined || Number.isSafeInteger(index);
      if (typeof type !== 'string' || !isIndex || surplus.length > 0)
        throw error('a torch.device is made of a type and an index', type);
      return index === undefined ? type : `${type}:${index}`;
    }),
  ].map((global) => [global.name, global]),
);

/**
 * What a pickle of PyTorch may reach: the classes above, and the storages of its archive.
 *
 * @param find the entry of a storage, by its key
 */
export function torchSurroundings(find: (key: string) => ByteSource | undefined): Surroundings {
  return {
    find: (name) => globals.get(name),
    refusal(name) {
      const reason = name.startsWith('torch.') ? 'is not read' : 'is not data';
      return (
        `the file holds ${shortened(name)}, which ${reason}; save tensors and plain values alone: ` +
        'torch.save(model.state_dict(), path)'
      );
    },
    load(id, error) {
      return storageOf(id, find, error);
    },
  };
}

/** The storage of a persistent id: `('storage', <class>, key, location, numel)`. */
function storageOf(
  id: unknown,
  find: (key: string) => ByteSource | undefined,
  error: (rule: string, received?: unknown) => ChainruleError,
): Storage {
  const [kind, type, key, , elements] = Array.isArray(id) && id.length === 5 ? id : [];
  if (kind !== 'storage' || !(type instanceof StorageClass) || typeof key !== 'string')
    throw error("a storage must be ('storage', class, key, location, numel)", id);
  const source = find(key);
  if (!source) throw error('there must be an entry for the storage', key);
  const width = type.dtype === undefined ? 1 : bitsPerElement(type.dtype) / 8;
  if (elements * width !== source.size)
    throw error(
      `the storage ${source.label} has ${source.size} bytes, not elements of ${type.name}`,
      elements,
    );
  return new Storage(source, type.dtype);
}
