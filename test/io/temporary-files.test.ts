import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nn } from 'chainrule';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { saveFile, writeAtomically } from '#lib/io/files.js';
import { openTemporary, temporaryIn } from '#lib/io/temporary-files.js';
import { requireWritable } from '#lib/io/writable.js';
import { addon } from '#lib/runtime/addon.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();
const NAME = 'weights.safetensors';
const bytes = [Uint8Array.of(1, 2, 3)];

afterEach(() => vi.restoreAllMocks());

/** A process that writes a file for ever. */
async function endlessWriter(dir: string) {
  const program = `
    import { openTemporary } from '#lib/io/temporary-files.js';
    const { file } = await openTemporary(${JSON.stringify(dir)}, ${JSON.stringify(NAME)});
    await file.write('half');
    console.log('begun');
    setInterval(() => file.fd, 1000);
  `;
  const child = execFile(process.execPath, ['--input-type=module', '-e', program]);
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}

describe('temporary files', () => {
  it('of a process that was killed are removed by the next save, those of one that lives are not', async () => {
    const dir = folder();
    const model = new nn.Linear(2, 1);
    const [dying, living] = [await endlessWriter(dir), await endlessWriter(dir)];
    expect(readdirSync(dir)).toHaveLength(2);
    dying.kill('SIGKILL');
    await once(dying, 'close');
    await model.save(join(dir, NAME));
    const left = readdirSync(dir);
    expect(left.filter((name) => name.endsWith('.tmp'))).toHaveLength(1);
    living.kill('SIGKILL');
    await once(living, 'close');
    await model.save(join(dir, NAME));
    expect(readdirSync(dir)).toEqual([NAME]);
  });

  it('of other targets, and files that are called otherwise, stay', async () => {
    const dir = folder();
    const others = [temporaryIn(dir, 'other'), join(dir, `.${NAME}.1.tmp`), join(dir, `${NAME}.tmp`)];
    for (const path of [...others, temporaryIn(dir, NAME)]) writeFileSync(path, '');
    await writeAtomically(join(dir, NAME), bytes);
    expect(others.every((path) => existsSync(path))).toBe(true);
    expect(readdirSync(dir)).toHaveLength(4);
  });

  it('of writers at once do not disturb each other', async () => {
    const dir = folder();
    const path = join(dir, NAME);
    const writers = Array.from({ length: 40 }, (_, i) =>
      i % 4 === 0 ? requireWritable(path) : saveFile(path, bytes),
    );
    await Promise.all(writers);
    expect(readdirSync(dir)).toEqual([NAME]);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });

  it('stay where there are no locks to tell who lives', async () => {
    const dir = folder();
    vi.spyOn(addon(), 'lockFile').mockReturnValue(95);
    const { path, file } = await openTemporary(dir, NAME);
    await writeAtomically(join(dir, NAME), bytes);
    expect(existsSync(path)).toBe(true);
    await file.close();
  });
});
