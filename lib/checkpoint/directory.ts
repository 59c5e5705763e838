import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../graph/errors.js';
import { writeAtomically } from '../io/files.js';
import { makeDirectory } from '../io/make-directory.js';
import { removeTemporary } from '../io/temporary-files.js';
import { type CheckpointHeader, verifyCheckpoint } from './file.js';

const NAME = /^step-(\d{9,})\.safetensors$/;
/** Temporary files that a killed process may leave behind; a probe is itself called like one. */
const TEMPORARY = /^\.(step-\d{9,}\.safetensors|\.?probe)\..*\.tmp$/;

/** A checkpoint in a directory. */
export interface CheckpointFile {
  /** Steps taken by the trainer. */
  readonly step: number;
  readonly path: string;
}

/** Result of searching a directory for its newest checkpoint. */
export interface Newest {
  /** The newest intact file. */
  readonly found: (CheckpointFile & CheckpointHeader) | null;
  /** Newer files that are damaged, newest first, with the reasons. */
  readonly damaged: readonly { readonly path: string; readonly why: string }[];
}

/** Path of the checkpoint of a step. */
export function pathOf(dir: string, step: number): string {
  return join(dir, `step-${String(step).padStart(9, '0')}.safetensors`);
}

/** The checkpoints in a directory, newest first. */
export async function listCheckpoints(dir: string): Promise<CheckpointFile[]> {
  const names = await readdir(dir);
  return names
    .flatMap((name) => {
      const step = NAME.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: join(dir, name) }];
    })
    .sort((a, b) => b.step - a.step);
}

/** Creates the directory if missing, and removes partial files left by a killed process. */
export async function openDirectory(dir: string): Promise<void> {
  await makeDirectory(dir);
  for (const name of await readdir(dir)) {
    if (TEMPORARY.test(name)) await removeTemporary(join(dir, name), 'any');
  }
}

/** Writes a file and removes it. Rejects if that fails. */
export async function probeDirectory(dir: string): Promise<void> {
  const path = join(dir, `.probe.${randomUUID()}.tmp`);
  try {
    await writeAtomically(path, [new Uint8Array(512)]);
  } finally {
    await rm(path, { force: true });
  }
}

/** Finds the newest intact checkpoint. */
export async function findNewest(dir: string): Promise<Newest> {
  const damaged: { path: string; why: string }[] = [];
  for (const file of await listCheckpoints(dir)) {
    try {
      return { found: { ...file, ...(await verifyCheckpoint(file.path)) }, damaged };
    } catch (error) {
      damaged.push({ path: file.path, why: messageOf(error).replaceAll(`${file.path}: `, '') });
    }
  }
  return { found: null, damaged };
}

/** Removes all but the newest `keep` checkpoints up to a step. Later ones are damaged, and kept for inspection. */
export async function removeOld(dir: string, step: number, keep: number): Promise<void> {
  const files = await listCheckpoints(dir);
  for (const { path } of files.filter((file) => file.step <= step).slice(keep)) {
    await rm(path, { force: true });
  }
}
