import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { chainrule, type RunOptions } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';
import { writeTrainingModule } from '../helpers/training-module.js';

const folder = useFolder();

/** Replaces a part of the training module in a folder. */
function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

/** Sends signals, each once the output has what it waits for. */
function sending(
  ...signals: readonly (readonly [text: string, signal: NodeJS.Signals])[]
): NonNullable<RunOptions['onOutput']> {
  let sent = 0;
  return (program, text) => {
    const next = signals[sent];
    if (!next || !text.includes(next[0])) return;
    sent++;
    program.kill(next[1]);
  };
}

const forever = ['--epochs', '1000000', '--workers', '1'];

describe.runIf(process.platform !== 'win32')('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends a training, whose weights are saved', async (signal, expected) => {
    const cwd = folder();
    const args = ['train', writeTrainingModule(cwd), ...forever];
    const { code, stdout } = await chainrule(args, { cwd, onOutput: sending(['epoch 2/', signal]) });
    expect(stdout).toMatch(/stopped after [\d,]+ steps; their weights are in model\.safetensors\n$/);
    expect(Object.keys((await io.readSafetensors(join(cwd, 'model.safetensors'))).tensors)).toHaveLength(4);
    expect(code).toBe(expected);
  });

  it('while the data are loaded ends at once, and says that nothing was saved', async () => {
    const cwd = folder();
    const file = writeTrainingModule(cwd);
    edit(
      file,
      '({ train: samples() })',
      '(console.log("loading"), setTimeout(() => {}, 1e9), new Promise(() => {}))',
    );
    const { code, stderr } = await chainrule(['train', file], {
      cwd,
      onOutput: sending(['loading', 'SIGINT']),
    });
    expect(stderr).toBe('stopped before the first step: nothing was saved\n');
    expect(existsSync(join(cwd, 'model.safetensors'))).toBe(false);
    expect(code).toBe(130);
  });

  it('that comes again while the weights are saved ends that, and says what is lost', async () => {
    const cwd = folder();
    const file = writeTrainingModule(cwd);
    edit(
      file,
      'export default {',
      `class Slow extends nn.Sequential {
         async save() { console.log('saving'); setTimeout(() => console.log('waited'), 600); setTimeout(() => {}, 1e9);
           await new Promise(() => {}); }
       }
       export default {`,
    );
    edit(file, 'new nn.Sequential', 'new Slow');
    const onOutput = sending(['epoch 1/', 'SIGINT'], ['waited', 'SIGINT']);
    const { code, stderr } = await chainrule(['train', file, ...forever], { cwd, onOutput });
    expect(stderr).toMatch(/^ended at once: the weights of [\d,]+ steps were not saved\n$/);
    expect(code).toBe(130);
  });

  it('while the weights of a whole training are saved lets them be saved', async () => {
    const cwd = folder();
    const file = writeTrainingModule(cwd);
    edit(
      file,
      'export default {',
      `class Slow extends nn.Sequential {
         async save(path) {
           const saved = new Promise((go) => process.once('SIGINT', go));
           const alive = setInterval(() => {}, 1000);
           console.log('saving');
           await saved;
           clearInterval(alive);
           await super.save(path);
         }
       }
       export default {`,
    );
    edit(file, 'new nn.Sequential', 'new Slow');
    const { code, stdout, stderr } = await chainrule(['train', file], {
      cwd,
      onOutput: sending(['saving', 'SIGINT']),
    });
    expect(stderr).toBe('the weights are being saved; the next signal ends this without them\n');
    expect(stdout).toContain('weights saved to model.safetensors');
    expect(code).toBe(130);
  });
});
