import { cpus, release, type } from 'node:os';
import { addon } from '../runtime/addon.js';

/** Description of the machine in one line. */
export function describeMachine(workers: number): string {
  return [
    cpus()[0]?.model.trim() ?? 'CPU',
    workers === 1 ? '1 thread' : `${workers} threads`,
    `${type()} ${release()}`,
    `Node.js ${process.versions.node}`,
    `${addon().isa()} kernels`,
    addon().blas(),
  ].join(', ');
}
