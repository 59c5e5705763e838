// Apple's BLAS to link against where there is no Mac: its header with the routines that the addon calls, and a list of
// their names in the place of the library, which every macOS has.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/run.mjs';

const INSTALLED = '/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate';

/**
 * Writes Accelerate.framework into a folder; its path.
 * @param {string} folder
 */
export function writeAccelerateStub(folder) {
  const framework = join(folder, 'Accelerate.framework');
  mkdirSync(join(framework, 'Headers'), { recursive: true });
  const declarations = readFileSync(join(root, 'native/blas/cblas.h'), 'utf8').replace('#pragma once', '');
  const header = `#pragma once\nextern "C" {${declarations}}\n`;
  writeFileSync(join(framework, 'Headers/Accelerate.h'), header);
  const symbols = [...declarations.matchAll(/\b(cblas_\w+)\(/g)].map(([, name]) => `_${name}`);
  const targets = '[ x86_64-macos, arm64-macos ]';
  const stub = [
    '--- !tapi-tbd',
    'tbd-version: 4',
    `targets: ${targets}`,
    `install-name: '${INSTALLED}'`,
    'exports:',
    `  - targets: ${targets}`,
    `    symbols: [ ${symbols.join(', ')} ]`,
    '...',
  ];
  writeFileSync(join(framework, 'Accelerate.tbd'), `${stub.join('\n')}\n`);
  return framework;
}
