// A transform for tests that throws an error of its own class, or, with `?import`, fails to be imported by a worker.
import { isMainThread } from 'node:worker_threads';

class StorageError extends Error {
  /** @override */
  name = 'StorageError';
  code = 'E_STORAGE';
}

if (import.meta.url.endsWith('?import') && !isMainThread) throw new StorageError('no such module');

export default function upload() {
  throw new StorageError('no such bucket');
}
