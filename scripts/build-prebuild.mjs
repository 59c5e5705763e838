// `npm run prebuild`: an addon for this platform in prebuilds/, with the BLAS linked in if the system has a static one.
// It runs on systems whose C library is at least as new as the one here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture } from './setup/run.mjs';
import { setUp } from './setup.mjs';

if (!(await setUp())) process.exit(1);

// node-gyp downloads Node's headers unless it is told where they are. Only CMake compiles here, so it needs none.
const headers = mkdtempSync(join(tmpdir(), 'chainrule-'));
writeFileSync(join(headers, 'common.gypi'), '{}\n');
const env = { npm_config_nodedir: headers };

// Without a tag, the binaries for glibc and musl would have the same name.
const args = ['node_modules/prebuildify/bin.js', '--napi', '--strip', '--tag-libc'];
const { code } = await capture(process.execPath, args, { env, inherit: true });
rmSync(headers, { recursive: true });
process.exitCode = code;
