import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { data, type Progress } from 'chainrule';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DigitService } from '#examples/service.js';

/** Digits of noise; there are enough of them that an epoch lasts while the tests look at it. */
const samples = data.fromArrays(
  Uint8Array.from({ length: 20_000 * 784 }, (_, i) => (i * i) % 251),
  Int32Array.from({ length: 20_000 }, (_, i) => i % 10),
  { inputs: { shape: [28, 28, 1] } },
);

describe('the service of the example', () => {
  const service = new DigitService(samples, { log: () => {} });
  let url: string;

  beforeAll(async () => {
    await once(service.server.listen(0), 'listening');
    url = `http://localhost:${(service.server.address() as AddressInfo).port}`;
  });

  afterAll(() => service.close());

  const send = (method: string, path: string, body?: unknown) =>
    fetch(url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

  /** The position of the training in progress, once it reaches one that is waited for. */
  async function progress(isWanted: (place: number) => boolean): Promise<number> {
    const events = (await send('GET', '/progress')).body?.pipeThrough(new TextDecoderStream()).getReader();
    let place = Number.NaN;
    while (events && !isWanted(place)) {
      const { value, done } = await events.read();
      if (done) throw new Error('the training has ended');
      const [event = ''] = value.slice('data: '.length).split('\n');
      const { epoch, step, steps } = JSON.parse(event) as Progress;
      place = epoch * steps + step;
    }
    await events?.cancel();
    return place;
  }

  it('answers, trains, pauses and goes on', async () => {
    const digit = new Array<number>(784).fill(0);
    const answer = async () =>
      (await (await send('POST', '/predict', digit)).json()) as { digit: number; scores: number[] };
    const untrained = await answer();
    expect(untrained.scores).toHaveLength(10);
    expect(untrained.digit).toBe(untrained.scores.indexOf(Math.max(...untrained.scores)));

    expect((await send('POST', '/train')).status).toBe(204);
    expect((await send('POST', '/train')).status).toBe(409);
    const begun = await progress((place) => place > 0);
    await progress((place) => place > begun);
    expect((await answer()).scores).not.toEqual(untrained.scores);

    expect((await send('POST', '/pause')).status).toBe(204);
    // The step under way is finished.
    await pause(500);
    const [still, paused] = [await answer(), await progress((place) => place > 0)];
    await pause(200);
    expect(await progress((place) => place > 0)).toBe(paused);
    expect(await answer()).toEqual(still);
    expect((await send('POST', '/resume')).status).toBe(204);
    await progress((place) => place > paused);

    expect((await send('DELETE', '/train')).status).toBe(204);
    expect((await send('POST', '/train')).status).toBe(204);
    expect((await send('DELETE', '/train')).status).toBe(204);
  });

  it('says what it does not understand', async () => {
    const wrong = await send('POST', '/predict', [1, 2, 3]);
    expect([wrong.status, await wrong.text()]).toEqual([400, 'a digit is an array of 784 numbers']);
    expect((await fetch(`${url}/predict`, { method: 'POST', body: '[1, 2' })).status).toBe(400);
    expect((await send('GET', '/weights')).status).toBe(404);
  });
});
