import { invalid } from '../graph/errors.js';
import type { HealthThresholds } from '../health/findings.js';
import type { HealthReport } from '../health/report.js';
import type { AnyModule } from '../nn/index.js';
import { type BatchLoss, batchLoss } from '../nn/losses/batch-loss.js';
import { type UsableCores, usableCores } from '../parallel/prepare/cores.js';
import { variablesAt } from '../parallel/prepare/flat-parameters.js';
import type { TrainingJob } from '../parallel/protocol/job.js';
import type { Claim } from '../runtime/access/claim.js';
import { Gate } from '../runtime/access/gate.js';
import { type MemoryBudget, resolveMemory } from '../runtime/memory-size.js';
import { Calls } from './fit/calls.js';
import { ProgressFeed } from './fit/progress-feed.js';
import type { Session } from './fit/session.js';
import type { TrainerState } from './fit/trainer-state.js';
import { inspectBatch, loadSamples, type Samples } from './inspect/inspection.js';
import type { AnyTrainerOptions } from './options.js';
import type { Metrics } from './prepare/compile-job.js';
import { withExtras } from './prepare/extra-modules.js';
import { figuresOf } from './prepare/metrics.js';
import { inModes, type Modes, trainingModes } from './prepare/mode.js';
import { TrainerMemory } from './prepare/trainer-memory.js';
import type { StateContext } from './state/context.js';

/** What the calls of a trainer share: its model, settings and memory, how far it is, and the call under way. */
export class TrainerCore {
  /** The model with the extra modules. */
  readonly whole: AnyModule;
  /** Number of threads of `fit` and `evaluate`. */
  readonly workers: number;
  readonly loss: BatchLoss;
  readonly metrics: Metrics;
  readonly memory: TrainerMemory;
  readonly state: TrainerState = {
    steps: 0,
    updates: { missed: 0, contributed: 0 },
    epochs: 0,
    history: [],
  };
  readonly calls = new Calls();
  readonly cores: UsableCores;
  readonly feed = new ProgressFeed();
  /** Modes of the call of `fit` under way, whatever the caller sets meanwhile. */
  modes: Modes | undefined;

  constructor(
    readonly model: AnyModule,
    readonly options: AnyTrainerOptions,
    readonly log: (line: string) => void,
  ) {
    const { workers = 'auto', seed = 0, loss, lossWeights, optimizer, metrics, extraModules } = options;
    this.cores = usableCores();
    this.workers = workers === 'auto' ? this.cores.cores : workers;
    this.whole = withExtras(model.init(seed), extraModules).init(seed);
    this.loss = batchLoss('Trainer', loss, lossWeights);
    this.metrics = figuresOf('Trainer', this.loss, metrics);
    this.memory = new TrainerMemory(this.whole, optimizer);
  }

  /** Before the first update there are no averages yet, so the parameters keep their own values. */
  async withAverages<R>(fn: () => R | Promise<R>, claim?: Claim): Promise<R> {
    return this.updates === 0 ? fn() : this.memory.withAverages(fn, claim);
  }

  /** Runs a call that trains for a while; then parameters, buffers and the optimiser's state are restored. */
  async trying<R>(op: string, session: Session, task: (claim: Claim) => Promise<R>): Promise<R> {
    let claim: Claim | undefined;
    let restore = () => {};
    try {
      claim = await this.memory.claim(op);
      restore = this.memory.keep();
      return await task(claim);
    } finally {
      await this.leave(session, claim, () => claim?.writing(claim.variables, restore));
    }
  }

  /** Ends the threads of a call that trains, then runs a task, and lets others train. */
  async leave(session: Session, claim: Claim | undefined, after?: () => void | Promise<void>): Promise<void> {
    try {
      await this.calls.leave(session, after);
    } finally {
      if (session.damage !== undefined) claim?.breakUp(session.damage);
      claim?.release();
    }
  }

  /** From now on the threads of a training may write what they train. */
  async shareWith({ assigned, gate }: TrainingJob, claim: Claim): Promise<void> {
    claim.take(variablesAt(this.memory.inUse().parameters, assigned));
    await claim.share(new Gate(gate));
  }

  /** Number of updates made so far. */
  get updates(): number {
    const { steps, updates } = this.state;
    return this.options.optimizer.updatesAfter(steps) - updates.missed;
  }

  budget(op: string, memory = this.options.memory): MemoryBudget | undefined {
    return memory === undefined ? undefined : resolveMemory(op, memory);
  }

  /** Context of a call that changes nothing; valid also while workers are running. */
  idleContext() {
    return this.context(this.calls.busy ? this.memory.inUse() : this.memory.current());
  }

  context(memory = this.memory.current()) {
    const { optimizer, seed = 0, nice, shards, workers = 'auto' } = this.options;
    return {
      workers: this.workers,
      shards,
      cores: workers === 'auto' ? this.cores.cores : undefined,
      seed,
      nice,
      model: this.whole,
      modes: this.modes ?? trainingModes(this.whole),
      loss: this.loss,
      optimizer,
      metrics: this.metrics,
      ...memory,
    };
  }

  /** Inspects the model on some samples, as its parameters are now. */
  async inspect(samples: Samples, thresholds: Partial<HealthThresholds> = {}): Promise<HealthReport> {
    const context = {
      ...this.context(this.memory.inUse()),
      steps: this.state.steps,
      updates: this.updates,
    };
    const batch = await loadSamples(samples, context.seed);
    return inModes(context.modes, () => inspectBatch(context, batch, thresholds));
  }

  get stateContext(): StateContext {
    const [memory, progress, calls] = [this.memory, this.state, this.calls];
    return {
      model: this.model,
      whole: this.whole,
      optimizer: this.options.optimizer,
      memory,
      progress,
      calls,
    };
  }

  /** @throws while the parameters hold their averages */
  requireOwnValues(op: string): void {
    if (!this.memory.holdsAverages) return;
    throw invalid(op, 'the parameters hold their averages; wait until withAverages is done');
  }
}
