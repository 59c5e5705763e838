import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

/** Load on a service: requests at a constant rate for a number of seconds. */
export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  readonly body: string;
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
}

/** Milliseconds by which timers may be late. */
const TIMER_MS = 1.5;

/**
 * Sends a request at every multiple of the period, whether or not earlier ones are answered. Returns the milliseconds
 * from the time that each was due to its answer, so a stall counts for all requests that it delays.
 */
async function load({ rate, seconds, ...order }: LoadOrder): Promise<number[]> {
  const period = 1000 / rate;
  const agent = new Agent({ keepAlive: true });
  const start = performance.now() + period;
  const answers: Promise<number>[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    const due = start + i * period;
    const left = due - performance.now() - TIMER_MS;
    if (left > 1) await sleep(left);
    // Answers that arrive meanwhile are processed.
    while (performance.now() < due) await turn();
    answers.push(ask(order, agent).then(() => performance.now() - due));
  }
  const times = await Promise.all(answers);
  agent.destroy();
  return times;
}

async function ask(
  { port, path, body }: Pick<LoadOrder, 'port' | 'path' | 'body'>,
  agent: Agent,
): Promise<void> {
  const sent = request({ port, path, method: 'POST', agent });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}`);
  answer.resume();
  await once(answer, 'end');
}

process.on('message', async (order: LoadOrder) => {
  process.send?.(await load(order));
});
