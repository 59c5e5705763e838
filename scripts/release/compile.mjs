#!/usr/bin/env node
// What prebuildify runs in place of node-gyp, in the folder of one platform's addon: the build by CMake, which leaves the
// addon in build/Release of that folder. CHAINRULE_CMAKE has the settings for the platform, as a JSON object.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from '../setup/addon.mjs';
import { report } from '../setup/run.mjs';

const folder = process.cwd();
try {
  const options = JSON.parse(process.env.CHAINRULE_CMAKE ?? '{}');
  await buildAddon(join(folder, 'cmake'), { ...options, CHAINRULE_STATIC: 'ON', CHAINRULE_INSTALL: 'OFF' });
  mkdirSync(join(folder, 'build/Release'), { recursive: true });
  copyFileSync(join(folder, 'cmake/Release/chainrule.node'), join(folder, 'build/Release/chainrule.node'));
} catch (error) {
  report(error);
  process.exitCode = 1;
}
