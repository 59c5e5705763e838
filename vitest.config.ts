import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Tests that change their process or measure it: flags of V8, variables of the environment, resident memory, what is collected, priorities
 * of threads, or a thousand mocks and workers that make slower all that follows. Each of these files has a process of its own;
 * the others share one for each worker of vitest, which then loads the library once.
 */
const alone = [
  'test/bench/{npm-,}peers.test.ts',
  'test/native/arena.test.ts',
  'test/ops/spatial/conv-algorithm.test.ts',
  'test/optim/parameter-memories.test.ts',
  'test/parallel/{failures,interrupted-step,nice}.test.ts',
  'test/runtime/{collect-garbage,usable-memory}.test.ts',
];

/**
 * Short files that take long. Vitest, where it knows no times yet, begins with the longest files, and one of these would
 * run last, on one core.
 */
const slow = [
  'test/bench/arena.test.ts',
  'test/bench/memory.test.ts',
  'test/checkpoint/kill.test.ts',
  'test/examples/gradient-health.test.ts',
  'test/native/thread-sanitizer.test.ts',
  'test/ops/table.test.ts',
  'test/parallel/same-bits-models.test.ts',
];

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification) =>
      project.name === 'alone' ? 0 : slow.some((name) => moduleId.endsWith(name)) ? 1 : 2;
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // Every compilation is checked, that of programs which tests start as well. Measurements are brief, but not in
    // `npm run test:long`.
    env: { CHAINRULE_VERIFY: '1', ...(process.env.CHAINRULE_LONG === '1' ? {} : { CHAINRULE_BRIEF: '1' }) },
    // Two at least: the tests of one file often wait for threads.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // No test depends on time; this ends one that hangs, with room for a machine that is busy with other work.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Node itself loads the compiled package, as it does for its users and in its worker threads.
    server: { deps: { external: [/\/dist\//] } },
    sequence: { sequencer: SlowFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      {
        extends: true,
        test: {
          name: 'together',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...alone],
        },
      },
    ],
  },
});
