// The long proofs in slices that take some minutes each, of which `npm test -- --slice` runs one whole after a sample of
// all. Which one depends on the commit alone, so that over some commits all are run.
import { capture } from './setup/run.mjs';

/** Long proofs of ten minutes, which only `npm run test:long` runs: the soak, and the fuzzing of foreign files. */
export const apart = ['test/bench/soak.test.ts', 'test/io/fuzz.test.ts'];

/** All other test files that import `helpers/long.ts`. */
export const slices = [
  [
    'test/parallel/failures.test.ts',
    'test/optim/trainer.test.ts',
    'test/ops/spatial/winograd.test.ts',
    'test/ops/attention-kernel.test.ts',
    'test/runtime/compile-memory.test.ts',
    'test/ops/table.test.ts',
    'test/train/figures.test.ts',
    'test/parallel/data-parallel-training.test.ts',
    'test/compile/random-graphs.test.ts',
    'test/parallel/stuck.test.ts',
    'test/train/trainer.test.ts',
    'test/cli/usage.test.ts',
  ],
  [
    'test/train/service-fit.test.ts',
    'test/parallel/batch-statistics.test.ts',
    'test/parallel/shards/at-once-training.test.ts',
    'test/parallel/weight-products.test.ts',
    'test/train/non-finite-gradients.test.ts',
    'test/compile/deep-graphs.test.ts',
    'test/checkpoint/fingerprint.test.ts',
    'test/examples/gradient-health.test.ts',
    'test/parallel/interrupted-step.test.ts',
    'test/train/ratios.test.ts',
    'test/parallel/shards/default.test.ts',
    'test/compile/pack-weights.test.ts',
  ],
  [
    'test/checkpoint/kill.test.ts',
    'test/checkpoint/fuzz.test.ts',
    'test/checkpoint/lock.test.ts',
    'test/checkpoint/resume.test.ts',
    'test/parallel/same-bits.test.ts',
    'test/parallel/same-bits-models.test.ts',
    'test/train/memory-budget.test.ts',
  ],
  [
    'test/bench/memory.test.ts',
    'test/cli/errors.test.ts',
    'test/cli/terminal.test.ts',
    'test/cli/outputs.test.ts',
    'test/ops/matmul/kernels.test.ts',
    'test/ops/spatial/conv-bands.test.ts',
    'test/runtime/jail.test.ts',
    'test/train/whole-weights.test.ts',
    'test/train/skipped-steps.test.ts',
    'test/bench/arena.test.ts',
    'test/train/weightless-steps.test.ts',
    'test/parallel/whole-batch.test.ts',
  ],
];

/** The slice of the commit that is checked out; the first one where git knows none. */
export async function sliceOfCommit() {
  const { code, output } = await capture('git', ['rev-parse', 'HEAD']);
  const number = code === 0 ? Number.parseInt(output.slice(0, 8), 16) : 0;
  return slices[number % slices.length] ?? [];
}
