import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { json } from 'node:stream/consumers';
import { at } from '../graph/at.js';
import { type data, type FitOptions, Trainer, tensor } from '../index.js';
import { compiledModule } from '../runtime/package-root.js';
import { optimizerOf } from './figures.js';
import { randomData, randomValues } from './random-data.js';
import { mnistCnn } from './scenarios/mnist-cnn.js';
import type { LoadOrder } from './service-load.js';
import { median } from './statistics.js';

/** Latencies during one interval, in milliseconds. */
export interface Latencies {
  /** From the time that a request is due to its answer. */
  readonly p50: number;
  readonly p99: number;
  /** Delay of timers in the service's event loop, including the clock's period of a millisecond. */
  readonly loopP99: number;
}

/** Latencies of a service while training in its process is paused, while it runs, and the ratio of the two. */
export interface ServiceResult extends Latencies {
  readonly training: 'off' | 'on' | 'times longer';
}

export interface ServiceOptions {
  readonly workers: number;
  /** Nice value of the workers; default 10. */
  readonly nice?: number;
  readonly rounds?: number;
  /** Seconds of each interval; default 2. */
  readonly seconds?: number;
  readonly rate?: number;
}

const WARM_UP_SECONDS = 2;

/** Number of batches in an epoch. */
const BATCHES = 100;

/** Measures the latencies of a service while training in its process is paused and while it runs, in turn. */
export async function runServiceBench({
  workers,
  nice = 10,
  rounds = 20,
  seconds = 2,
  rate = 100,
}: ServiceOptions): Promise<ServiceResult[]> {
  const { inputs, batchSize, loss } = mnistCnn;
  const trainer = new Trainer(mnistCnn.model(), { loss, optimizer: optimizerOf(mnistCnn), workers, nice });
  const server = createServer((request, response) => answer(trainer, request, response));
  await once(server.listen(0), 'listening');
  const { port } = server.address() as AddressInfo;
  const client = fork(compiledModule('lib/bench/service-load.js'));
  const body = JSON.stringify(Array.from(randomValues(inputs, 1)));
  const order = { port, path: '/predict', body, rate, seconds };
  const stop = new AbortController();
  const training = train(trainer, randomData(mnistCnn, BATCHES), { batchSize, signal: stop.signal });
  const off: Latencies[] = [];
  const on: Latencies[] = [];
  try {
    await Promise.race([trainer.progress().next(), training]);
    await measure(client, { ...order, seconds: WARM_UP_SECONDS });
    for (let i = 0; i < rounds; i++) {
      trainer.pause();
      off.push(await measure(client, order));
      trainer.resume();
      on.push(await measure(client, order));
    }
  } finally {
    client.disconnect();
    stop.abort();
    await training.catch((error) => {
      if (!stop.signal.aborted) throw error;
    });
    await new Promise((resolve) => server.close(resolve));
  }
  const middle = (all: readonly Latencies[]): Latencies =>
    combine((name) => median(all.map((one) => one[name])));
  // Ratios of neighbouring rounds.
  const ratios = on.map((one, i) => combine((name) => one[name] / at(off, i)[name]));
  return [
    { training: 'off', ...middle(off) },
    { training: 'on', ...middle(on) },
    { training: 'times longer', ...middle(ratios) },
  ];
}

/** Answers an image, given as JSON, with the scores of its classes. */
async function answer(trainer: Trainer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pixels = Float32Array.from((await json(request)) as number[]);
  const scores = await trainer.predict(tensor(pixels, { shape: [1, ...mnistCnn.inputs.shape] }));
  response.end(JSON.stringify(Array.from(await scores.data())));
}

/** Trains until it is aborted. */
async function train(trainer: Trainer, samples: data.Dataset, options: FitOptions): Promise<void> {
  for await (const _ of trainer.fit(samples, { ...options, epochs: Number.MAX_SAFE_INTEGER }));
}

async function measure(client: ChildProcess, order: LoadOrder): Promise<Latencies> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  client.send(order);
  const answers = await answerOf(client);
  delay.disable();
  return {
    p50: percentile(answers, 0.5),
    p99: percentile(answers, 0.99),
    loopP99: delay.percentile(99) / 1e6,
  };
}

function answerOf(client: ChildProcess): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error('bench: the client of the service ended early'));
    client.once('exit', fail);
    client.once('message', (answers) => {
      client.off('exit', fail);
      resolve(answers as number[]);
    });
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return at(sorted, Math.ceil(share * sorted.length) - 1);
}

function combine(of: (name: keyof Latencies) => number): Latencies {
  return { p50: of('p50'), p99: of('p99'), loopP99: of('loopP99') };
}
