// Shared by the peers that Node.js runs: as serve.py, the sizes of rounds, the choice of the fastest variant and the
// protocol. A request is a line of JSON: {"prepare": scenario} builds a model, {"round": true} runs a round of steps.
// Its answer is also a line of JSON, and {"error": reason} if the request failed.
import { createInterface } from 'node:readline';

const ROUND_SECONDS = 0.4;

/** A slower step is not timed, so that one library does not hold up the others for long. */
const MOST_SECONDS = 10;

/** As much for the first step, which also compiles. */
const MOST_FIRST_SECONDS = 60;

// Standard output is for answers; what a library prints goes to standard error.
console.log = console.info = console.error;

/** The fastest of several variants of a step. A variant is run(steps), which resolves when all steps are done. */
class Timed {
  remarks = [];

  static async of(variants) {
    const timed = new Timed();
    const working = await timed.#working(variants);
    const best = new Map(working.map(([name]) => [name, Number.POSITIVE_INFINITY]));
    // In turn, so that other work on the machine affects all of them.
    const times = working.length > 1 ? 3 : 1;
    for (let i = 0; i < times; i++) {
      for (const [name, run, steps] of working) {
        best.set(name, Math.min(best.get(name), await secondsOf(run, steps)));
      }
    }
    const [variant] = [...best].reduce((one, other) => (other[1] < one[1] ? other : one));
    timed.variant = variant;
    timed.run = variants[variant];
    timed.steps = Math.max(1, Math.round(ROUND_SECONDS / best.get(variant)));
    return timed;
  }

  async milliseconds() {
    return 1000 * (await secondsOf(this.run, this.steps));
  }

  /** The variants that do not fail, warmed up, and how many steps of each are a trial. */
  async #working(variants) {
    const working = [];
    for (const [name, run] of Object.entries(variants)) {
      try {
        requireQuick(await secondsOf(run, 1), MOST_FIRST_SECONDS);
        const seconds = await secondsOf(run, 1);
        requireQuick(seconds, MOST_SECONDS);
        working.push([name, run, seconds < ROUND_SECONDS ? 3 : 1]);
      } catch (error) {
        this.remarks.push(`${name} failed: ${reasonOf(error)}`);
      }
    }
    if (working.length === 0) throw new Error(this.remarks.join('; '));
    return working;
  }
}

function requireQuick(seconds, most) {
  if (seconds > most) throw new Error(`a step takes ${seconds.toFixed(0)} s, and is not timed`);
}

async function secondsOf(run, steps) {
  const start = performance.now();
  await run(steps);
  return (performance.now() - start) / 1000 / steps;
}

/** The first line of an error. */
function reasonOf(error) {
  return String(error?.message ?? error)
    .trim()
    .split('\n')[0]
    .slice(0, 200);
}

/** Answers requests. prepare(scenario) resolves to { parameters, variants, remarks }. */
export async function serve(version, prepare) {
  const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  let timed;
  const answerTo = async (request) => {
    if (!('prepare' in request)) return { ms: await timed.milliseconds() };
    timed = undefined;
    const { parameters, variants, remarks } = await prepare(request.prepare);
    timed = await Timed.of(variants);
    await timed.milliseconds();
    return { parameters, variant: timed.variant, remarks: [...remarks, ...timed.remarks] };
  };
  answer({ version });
  for await (const line of createInterface({ input: process.stdin })) {
    await answerTo(JSON.parse(line)).then(answer, (error) => answer({ error: reasonOf(error) }));
  }
}
