import { type ChainruleError, invalid } from '../graph/errors.js';
import { formatBytes, type MemoryBudget } from '../runtime/memory-size.js';
import type { Allowance } from './jobs.js';
import { type Account, Accounts, type Demand, totalOf } from './memory-accounts.js';

/** What a job takes when memory does not matter: the quickest plans, on all workers that it was compiled for. */
export function accountWithoutBudget(demand: Demand): Account {
  const workers = mostWorkers(demand);
  return new Accounts(demand).at({ workers, arenaBytes: Number.POSITIVE_INFINITY });
}

/**
 * The quickest way to do a job within a budget: on as many workers as have room, where their number was left to the trainer;
 * with as many shards together as have room for the quickest plans; and else in turn, with the least recomputation.
 *
 * @throws where no way takes as little, with the smallest budget and what it is made of
 */
export function fitBudget(demand: Demand, { bytes, reason }: MemoryBudget): Account {
  const accounts = new Accounts(demand);
  const found = findWithin(accounts, bytes);
  if (found) return found;
  throw refusal(demand, smallestAccount(accounts), bytes, reason);
}

/** The same; undefined where no way takes as little. */
export function findWithin(accounts: Accounts, bytes: number): Account | undefined {
  for (const workers of candidates(accounts.demand)) {
    const found = fitWorkers(accounts, workers, bytes);
    if (found) return found;
  }
  return undefined;
}

/** The way to do a job that takes the least memory. */
function smallestAccount(accounts: Accounts): Account {
  const all = candidates(accounts.demand).map((workers) => inSmallest(accounts, workers));
  return all.reduce((best, one) => (one.total < best.total ? one : best));
}

function mostWorkers({ training, context }: Demand): number {
  return training?.workers ?? context.workers;
}

/** Where the number of workers is the trainer's own choice, any of them will do. */
function candidates(demand: Demand): number[] {
  const most = mostWorkers(demand);
  return demand.context.cores === undefined ? [most] : Array.from({ length: most }, (_, i) => most - i);
}

function inSmallest(accounts: Accounts, workers: number): Account {
  return accounts.at({ workers, together: 1, arenaBytes: accounts.smallestArena(workers) });
}

function fitWorkers(accounts: Accounts, workers: number, bytes: number): Account | undefined {
  const quickest = accounts.quickestArena(workers);
  for (const together of accounts.groupSizes(workers)) {
    const account = accounts.at({ workers, together, arenaBytes: quickest });
    if (account.total <= bytes) return account;
  }
  // What kernels keep depends on the plans, so that the room for arenas is only known when these are chosen.
  const smallest = accounts.smallestArena(workers);
  const inTurn: Allowance = { workers, together: 1, arenaBytes: quickest };
  for (let arenaBytes = quickest; arenaBytes > smallest; ) {
    const { total, workers: each } = accounts.at({ ...inTurn, arenaBytes });
    const used = Math.max(...each.map(({ arenas }) => arenas[0] as number));
    arenaBytes = used - Math.max(1, Math.ceil((total - bytes) / workers));
    if (arenaBytes <= smallest) break;
    const account = accounts.at({ ...inTurn, arenaBytes });
    if (account.total <= bytes) return account;
  }
  const account = inSmallest(accounts, workers);
  return account.total <= bytes ? account : undefined;
}

function refusal(
  { training, evaluation, context }: Demand,
  { shared, workers, total }: Account,
  bytes: number,
  reason: string | undefined,
): ChainruleError {
  const worker = workers.reduce((most, one) => (totalOf(one) > totalOf(most) ? one : most));
  const parts = [
    ['parameters', shared.parameters],
    ['gradients', shared.gradients],
    ['state of the optimiser', shared.optimizer],
    ['copies, figures and constants', shared.other],
  ] as const;
  const each = [
    ['activations and workspace', worker.arenas.reduce((sum, arena) => sum + arena, 0)],
    ['inputs', worker.inputs],
    ['plans', worker.plans],
  ] as const;
  const per = workers.length === 1 ? 'the worker' : `each of ${workers.length} workers`;
  const hints = [
    ...((training ?? evaluation)?.batchSize === 1 ? [] : ['smaller batches']),
    ...(training && training.shards < training.batchSize ? ['more shards'] : []),
    ...(context.cores === undefined && workers.length > 1 ? ['fewer workers'] : []),
  ];
  const hint = hints.length > 0 ? `; less is needed for ${hints.join(', or ')}` : '';
  const source = reason === undefined ? '' : ` (${reason})`;
  return invalid(
    training ? 'fit' : 'evaluate',
    `memory must be at least ${total} bytes (${formatBytes(total)}) here, of which ${listed(parts)}, and for ${per} ` +
      `${listed(each)}${hint}`,
    `${bytes} bytes${source}`,
  );
}

function listed(parts: readonly (readonly [name: string, bytes: number])[]): string {
  return parts
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${formatBytes(bytes)} ${name}`)
    .join(', ');
}
