import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { data, nn, optim, Trainer, tensor } from 'chainrule';
import { runAsProgram } from './lib/program.js';
import mnist from './mnist.js';

const PIXELS = 28 * 28;

/** Milliseconds that pending answers may take when the service ends. */
const GRACE_MS = 2000;

export interface ServiceOptions {
  /** Number of training threads. Default: all cores but one. */
  readonly workers?: number;
  /** Nice value of the training threads, so that requests come first. Default 10. */
  readonly nice?: number;
  /** Directory of the checkpoints; none by default. */
  readonly dir?: string;
  readonly log?: (line: string) => void;
}

type Route = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * An HTTP service that classifies digits, and learns to in the same process, on all cores but the one that answers:
 *
 *     POST /predict             784 numbers from 0 to 255 as JSON -> { "digit": 7, "scores": [...] }
 *     POST /train               starts training
 *     GET /progress             server-sent events until the training ends
 *     POST /pause, POST /resume
 *     DELETE /train             ends the training after the step under way
 *
 * With a directory, the learned parameters outlive the process: after SIGTERM or a crash, POST /train resumes.
 */
export class DigitService {
  readonly server = createServer((request, response) => this.#answer(request, response));
  readonly #trainer: Trainer;
  /** The training under way. */
  #run: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  readonly #routes: Readonly<Record<string, Route>> = {
    'POST /predict': async (request) => this.#predict(await json(request).catch(() => undefined)),
    'POST /train': () => this.#train(),
    'GET /progress': (_, response) => this.#sendProgress(response),
    'POST /pause': () => this.#trainer.pause(),
    'POST /resume': () => this.#trainer.resume(),
    'DELETE /train': () => this.stop(),
  };

  readonly #log: (line: string) => void;
  readonly #dir: string | undefined;

  constructor(
    private readonly samples: data.Dataset,
    {
      workers = Math.max(1, availableParallelism() - 1),
      nice = 10,
      dir,
      log = console.log,
    }: ServiceOptions = {},
  ) {
    this.#log = log;
    this.#dir = dir;
    this.#trainer = new Trainer(mnist.model(), {
      loss: nn.crossEntropy,
      optimizer: optim.adam({ lr: 1e-3 }),
      workers,
      nice,
    });
  }

  /** Ends the training under way, if any, after the current step. */
  async stop(): Promise<void> {
    this.#run?.stop.abort();
    await this.#run?.ended;
  }

  /**
   * Ends training, then the server once all requests are answered; clients that wait for a training to begin are cut
   * off.
   */
  async close(): Promise<void> {
    await this.stop();
    const grace = setTimeout(() => this.server.closeAllConnections(), GRACE_MS);
    await new Promise((resolve) => this.server.close(resolve));
    clearTimeout(grace);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const route = this.#routes[`${request.method} ${request.url}`];
      if (!route) throw new RequestError(404, `there is no ${request.method} ${request.url}`);
      const result = await route(request, response);
      if (response.headersSent) return;
      response.writeHead(result === undefined ? 204 : 200, { 'content-type': 'application/json' });
      response.end(result === undefined ? undefined : JSON.stringify(result));
    } catch (error) {
      if (response.headersSent) return;
      response.writeHead(error instanceof RequestError ? error.status : 500);
      response.end(error instanceof Error ? error.message : String(error));
    }
  }

  async #predict(pixels: unknown): Promise<{ digit: number; scores: number[] }> {
    if (!Array.isArray(pixels) || pixels.length !== PIXELS || !pixels.every(Number.isFinite))
      throw new RequestError(400, `a digit is an array of ${PIXELS} numbers`);
    const image = tensor(Float32Array.from(pixels), { shape: [1, 28, 28, 1] });
    const scores = Array.from(await (await this.#trainer.predict(image)).data());
    return { digit: scores.indexOf(Math.max(...scores)), scores };
  }

  #train(): void {
    if (this.#run) throw new RequestError(409, 'a training is under way');
    const stop = new AbortController();
    const ended = this.#fit(stop.signal).finally(() => {
      this.#run = undefined;
    });
    this.#run = { stop, ended };
  }

  async #fit(signal: AbortSignal): Promise<void> {
    try {
      const options = { epochs: 100, batchSize: 128, signal };
      // On SIGTERM the service ends the training, and then itself.
      const checkpoint = this.#dir && { checkpoint: { dir: this.#dir, everyMinutes: 1, sigterm: false } };
      for await (const { epoch, loss, seconds } of this.#trainer.fit(this.samples, {
        ...options,
        ...checkpoint,
      }))
        this.#log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${seconds.toFixed(1)} s`);
    } catch (error) {
      if (!signal.aborted) this.#log(String(error));
    }
  }

  /** Streams progress events. A slow client gets the latest and misses some. */
  async #sendProgress(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const progress = this.#trainer.progress();
    async function* events() {
      for await (const event of progress) yield `data: ${JSON.stringify(event)}\n\n`;
    }
    await pipeline(Readable.from(events(), { highWaterMark: 1 }), response);
  }
}

class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

await runAsProgram(import.meta.url, async () => {
  const { train } = await data.mnist();
  const service = new DigitService(train, { dir: 'service-checkpoints' });
  const port = Number(process.env.PORT ?? 8080);
  service.server.listen(port, () => console.log(`http://localhost:${port}, see POST /train`));
  process.once('SIGTERM', () => service.close());
});
