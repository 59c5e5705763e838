import type { PeerRounds } from './peer-rounds.js';
import type { Scenario } from './scenario.js';
import { prepare, type Subject } from './subject.js';
import { threadsOf } from './threads.js';

/** Our times in the rounds of a case, in milliseconds of a step. */
export interface OurTimes {
  readonly ours: readonly number[];
  /** With fewer threads, by their number, for peers that cannot have more. */
  readonly withFewer: ReadonlyMap<number, readonly number[]>;
}

/** Runs rounds of ours and of the peers in turn. */
export async function runRounds(
  scenario: Scenario,
  workers: number | 'auto',
  peers: readonly PeerRounds[],
  rounds: number,
): Promise<OurTimes> {
  const times = new Map<Subject, number[]>();
  const subjectWith = async (threads: number | 'auto'): Promise<number[]> => {
    const own: number[] = [];
    times.set(await prepare(scenario, threads), own);
    return own;
  };
  try {
    const ours = await subjectWith(workers);
    const withFewer = new Map<number, number[]>();
    for (const threads of fewerThreads(scenario, workers, peers)) {
      withFewer.set(threads, await subjectWith(threads));
    }
    for (let i = 0; i < rounds; i++) {
      for (const [subject, own] of times) own.push(await subject.round());
      for (const peer of peers) await peer.round();
    }
    return { ours, withFewer };
  } finally {
    for (const subject of times.keys()) await subject.close();
  }
}

/** The numbers of threads of peers that have fewer than we do; a prediction has one in any case. */
function fewerThreads(
  { kind }: Scenario,
  workers: number | 'auto',
  peers: readonly PeerRounds[],
): ReadonlySet<number> {
  const most = kind === 'predict' ? 1 : threadsOf(workers);
  return new Set(peers.flatMap(({ threads = most }) => (threads < most ? threads : [])));
}
