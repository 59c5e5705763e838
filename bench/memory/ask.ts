import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compiledModule } from '../../lib/runtime/package-root.js';
import type { Answer, Planned, Request } from './protocol.js';

/** Trains in a new process. */
export function askToTrain(request: Request): Promise<Answer> {
  return ask('train', request) as Promise<Answer>;
}

/** Plans in a new process. */
export function askToPlan(request: Request): Promise<Planned> {
  return ask('plan', request) as Promise<Planned>;
}

async function ask(kind: string, request: Request): Promise<unknown> {
  const script = fileURLToPath(compiledModule('bench/memory/process.js'));
  return JSON.parse(await outputOf(process.execPath, [script, kind, JSON.stringify(request)]));
}

/** The output of a program; rejects with its error output if it fails. */
export function outputOf(program: string, args: readonly string[], env = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-2000);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`bench: ${args.join(' ')} ended with ${code ?? signal}: ${complaints}`));
    });
  });
}
