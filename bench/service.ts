import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { data } from 'chainrule';
import { DigitService } from '../examples/service.js';
import { compiledModule } from '../lib/runtime/package-root.js';
import type { LoadOrder } from './service-load.js';
import { median } from './statistics.js';

/** Milliseconds in one stretch of the service's time. */
export interface Latencies {
  /** From when a request was due until its answer was there. */
  readonly p50: number;
  readonly p99: number;
  /** What timers of the service's event loop come late, with the period of a millisecond that the clock has. */
  readonly loopP99: number;
}

/** The example's service while its training pauses, while it goes on, and how many times longer all then takes. */
export interface ServiceResult extends Latencies {
  readonly training: 'off' | 'on' | 'times longer';
}

export interface ServiceOptions {
  readonly workers: number;
  /** Of the workers; default 10, as in the example. */
  readonly nice?: number;
  readonly rounds?: number;
  /** Of each stretch. */
  readonly seconds?: number;
  readonly rate?: number;
}

const WARM_UP_SECONDS = 2;

/** Measures the answers of the example's service, while its training pauses and while it goes on, in turn. */
export async function runServiceBench({
  workers,
  nice = 10,
  rounds = 20,
  seconds = 2,
  rate = 100,
}: ServiceOptions): Promise<ServiceResult[]> {
  const { train } = await data.mnist();
  const service = new DigitService(train, { workers, nice, log: () => {} });
  await once(service.server.listen(0), 'listening');
  const { port } = service.server.address() as AddressInfo;
  const client = fork(compiledModule('bench/service-load.js'));
  const body = JSON.stringify(Array.from(train.inputs.data.subarray(0, 784)));
  const order = { port, path: '/predict', body, rate, seconds };
  const url = `http://localhost:${port}`;
  const post = (path: string) => fetch(`${url}${path}`, { method: 'POST' });
  const off: Latencies[] = [];
  const on: Latencies[] = [];
  try {
    await post('/train');
    await firstProgress(`${url}/progress`);
    await measure(client, { ...order, seconds: WARM_UP_SECONDS });
    for (let i = 0; i < rounds; i++) {
      await post('/pause');
      off.push(await measure(client, order));
      await post('/resume');
      on.push(await measure(client, order));
    }
  } finally {
    client.disconnect();
    await service.close();
  }
  const middle = (all: readonly Latencies[]): Latencies =>
    combine((name) => median(all.map((one) => one[name])));
  // Of the pairs of neighbouring rounds.
  const ratios = on.map((one, i) => combine((name) => one[name] / (off[i] as Latencies)[name]));
  return [
    { training: 'off', ...middle(off) },
    { training: 'on', ...middle(on) },
    { training: 'times longer', ...middle(ratios) },
  ];
}

/** Waits until training is under way. */
async function firstProgress(url: string): Promise<void> {
  const { body } = await fetch(url);
  const events = body?.getReader();
  await events?.read();
  await events?.cancel();
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
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

function combine(of: (name: keyof Latencies) => number): Latencies {
  return { p50: of('p50'), p99: of('p99'), loopP99: of('loopP99') };
}
