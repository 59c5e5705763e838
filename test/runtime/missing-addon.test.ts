import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

it('a missing addon is an error that says how to build it', async () => {
  const program = "import('chainrule').catch((error) => console.log(error.name, error.message))";
  const env = { ...process.env, CHAINRULE_ADDON: './no-such-addon.node' };
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { env });
  expect(stdout).toMatch(
    /^ChainruleError chainrule: the native addon could not be loaded \(Cannot find module/,
  );
  expect(stdout).toContain('npm rebuild chainrule');
  expect(stdout).toContain('npm run setup');
});
