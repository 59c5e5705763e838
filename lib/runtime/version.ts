import { manifest } from './package-root.js';

/** The version of this package. */
export function version(): string {
  return manifest().version ?? 'unknown';
}
