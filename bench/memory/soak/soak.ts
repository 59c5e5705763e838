import { readdirSync, readFileSync } from 'node:fs';
import { collectGarbage } from '../../../lib/runtime/collect-garbage.js';
import { Choices } from './requests.js';
import { SoakService } from './service.js';
import type { SoakResult, SoakSample, SoakSizes } from './sizes.js';

/** Requests that are under way at a time. */
const AT_A_TIME = 8;

/**
 * Runs a service that predicts, trains and swaps weights all at once, and measures the process after each round. Linux
 * only.
 *
 * @param onSample called with each sample
 */
export async function soak(
  sizes: SoakSizes,
  onSample: (sample: SoakSample) => void = () => {},
): Promise<SoakResult> {
  const service = new SoakService(sizes, new Choices(sizes.seed));
  // The pool of libuv, the engine's threads and the first plans are there before the first sample.
  await work(service, { predictions: 50, swaps: 1, fits: 2 });
  const began = performance.now();
  const samples: SoakSample[] = [];
  const note = (round: number) => {
    const sample = sampleNow(round, (performance.now() - began) / 1000, service.heldBytes);
    samples.push(sample);
    onSample(sample);
  };
  note(0);
  for (let round = 1; round <= sizes.rounds; round++) {
    await work(service, {
      predictions: shareOf(sizes.predictions, round, sizes.rounds),
      swaps: shareOf(sizes.swaps, round, sizes.rounds),
      fits: shareOf(sizes.fits, round, sizes.rounds),
    });
    note(round);
  }
  const { shapes } = service;
  await service.release();
  await collectGarbage();
  const released = sampleNow(sizes.rounds, (performance.now() - began) / 1000, service.heldBytes);
  return { samples, released, shapes };
}

/** Does all of this at once: requests come while models are trained, and their weights swapped in. */
async function work(
  service: SoakService,
  { predictions, swaps, fits }: Pick<SoakSizes, 'predictions' | 'swaps' | 'fits'>,
): Promise<void> {
  let left = predictions;
  const client = async () => {
    while (left-- > 0) await service.answer();
  };
  const trainer = async () => {
    for (let i = 0; i < Math.max(fits, swaps); i++) {
      if (i < fits) await service.fit();
      if (i < swaps) await service.swap();
    }
  };
  await Promise.all([trainer(), ...Array.from({ length: AT_A_TIME }, client)]);
}

/** The part of a round, 1 to `rounds`, of a number of things. */
function shareOf(total: number, round: number, rounds: number): number {
  return Math.floor((total * round) / rounds) - Math.floor((total * (round - 1)) / rounds);
}

function sampleNow(round: number, seconds: number, heldBytes: number): SoakSample {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    round,
    seconds,
    residentBytes: 1024 * field('VmRSS'),
    anonymousBytes: 1024 * field('RssAnon'),
    heapBytes: process.memoryUsage().heapUsed,
    heldBytes,
    threads: field('Threads'),
    // Without that of the folder itself.
    handles: readdirSync('/proc/self/fd').length - 1,
  };
}
