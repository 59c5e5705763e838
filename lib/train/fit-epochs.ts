import type { HealthReport } from '../health/report.js';
import type { EvaluationJob } from '../parallel/protocol/job.js';
import type { Claim } from '../runtime/access/claim.js';
import { collectGarbage } from '../runtime/collect-garbage.js';
import { firstNames } from '../text/names.js';
import type { FitEnd } from './callbacks/callback.js';
import type { TrainerCore } from './core.js';
import { evaluateIn } from './fit/evaluation.js';
import { type FitActions, FitCallbacks, StopRequest } from './fit/fit-callbacks.js';
import { type FitInput, FitRun } from './fit/fit-run.js';
import type { Restarts } from './fit/restarts.js';
import type { Session } from './fit/session.js';
import { recordOf } from './fit/trainer-state.js';
import { firstSamples, samplesOf, withCulprit } from './inspect/inspection.js';
import { describeBudget, type PreparedTraining, prepareWithin } from './memory/prepare-within.js';
import type { EpochResult, Figures } from './options.js';
import { BATCH_SIZE } from './prepare/compile-job.js';
import { describeParallelism, describeRefusal } from './prepare/describe-parallelism.js';
import { planRows, type ResourceLimits } from './prepare/jobs.js';
import { describeKept, keptParts, trainingModes } from './prepare/mode.js';

/** Trains epoch by epoch, as `Trainer.fit` says. */
export async function* fitEpochs(
  core: TrainerCore,
  input: FitInput,
): AsyncGenerator<EpochResult, void, undefined> {
  const { options } = input;
  options.signal?.throwIfAborted();
  core.requireOwnValues('fit');
  const session = core.calls.enter('fit');
  const run = new FitRun(input, session, core.state, core.log);
  let claim: Claim | undefined;
  let callbacks: FitCallbacks | undefined;
  let end: FitEnd = { outcome: 'left' };
  try {
    // Before the claim, since it may wait for another run, and readers of the weights are not to wait with it.
    await run.open();
    claim = await core.memory.claim('fit');
    core.modes = trainingModes(core.whole);
    callbacks = new FitCallbacks(options.callbacks ?? [], core.memory.current());
    const { evaluation, limits, training } = await prepareFit(core, run, claim, callbacks);
    callbacks.begin(actionsOf(core, run, claim, evaluation));
    if (!run.done) {
      await run.start(core.context(core.memory.inUse()), training, evaluation);
      await core.shareWith(training, claim);
      await callbacks.start();
    }
    while (!run.done && !callbacks.stopped) {
      await callbacks.epochStart(core.state.epochs + 1);
      const trained = await trainEpoch(core, run, limits, claim);
      run.signal?.throwIfAborted();
      const validation = evaluation && (await validateIn(core, session, evaluation, run.restarts, claim));
      run.signal?.throwIfAborted();
      const health = options.health ? await healthOf(core, input) : undefined;
      const result = { ...trained, ...(validation ? { validation } : {}), ...(health ? { health } : {}) };
      if (callbacks.keepsWeights) await run.settled();
      await callbacks.epochEnd(result);
      run.signal?.throwIfAborted();
      // Nothing may come between these, or a resumed run would report the epoch twice.
      core.options.optimizer.report(validation?.loss ?? trained.loss);
      core.state.history.push(recordOf(result));
      callbacks.commit();
      run.finishEpoch();
      await run.rest(callbacks.stopped);
      run.signal?.throwIfAborted();
      claim.rest();
      yield result;
      await core.memory.resume(claim);
      run.signal?.throwIfAborted();
    }
    end = { outcome: 'completed' };
  } catch (error) {
    if (error instanceof StopRequest) end = { outcome: 'stopped', reason: error.reason };
    else {
      end = { outcome: options.signal?.aborted ? 'left' : 'failed', error };
      throw error;
    }
  } finally {
    try {
      await run.end();
      await callbacks?.end(end);
    } finally {
      core.modes = undefined;
      core.feed.end();
      await core.leave(session, claim);
    }
  }
}

/** Compiles the training and its validation within the budget, and resumes from the checkpoint, if there is one. */
async function prepareFit(
  core: TrainerCore,
  run: FitRun,
  claim: Claim,
  callbacks: FitCallbacks,
): Promise<PreparedTraining> {
  const { samples: data, options } = run.input;
  const context = core.context();
  const { shards = run.resumedShards } = context;
  const budget = core.budget('fit');
  const request = { data, options, snapshot: run.snapshots };
  const prepared = prepareWithin(budget, { ...context, shards }, request);
  const resume = () => run.resume(context, prepared.training, callbacks);
  const training = run.resumes ? await claim.writing(core.memory.variables, resume) : await resume();
  if (run.done) return { ...prepared, training };
  core.log(describeParallelism(training, { ...core.options, ...(shards ? { shards } : {}) }, core.cores));
  const kept = keptParts(context.model, context.modes);
  if (kept.length > 0) core.log(`fit: kept in inference: ${describeKept(kept)}`);
  if (prepared.mayRefuseLast) core.log(describeRefusal(training));
  const { untrained } = prepared;
  if (untrained.length > 0) core.log(`fit: the loss does not depend on ${firstNames(untrained)}`);
  if (budget && prepared.estimate) core.log(describeBudget(prepared.estimate, budget));
  if (budget) await collectGarbage();
  return { ...prepared, training };
}

/** What the callbacks of a call of `fit` see and do. */
function actionsOf(
  core: TrainerCore,
  run: FitRun,
  claim: Claim,
  evaluation: EvaluationJob | undefined,
): FitActions {
  const [model, state] = [core.model, core.state];
  const { stages } = core.options.optimizer;
  const save = (path: string) => model.save(path);
  return {
    view: {
      model,
      figures: ['loss', ...numbersOf(evaluation)],
      epochs: run.lastEpoch,
      get history() {
        return state.history;
      },
      get steps() {
        return state.steps;
      },
      save: (path) =>
        stages.average === undefined ? save(path) : core.withAverages(() => save(path), claim),
    },
    stopNow: (request) => run.stopNow(request),
    writing: (task) => claim.writing(claim.variables, task),
  };
}

/** The names of an evaluation's figures that are numbers, as callbacks know them. */
function numbersOf(evaluation: EvaluationJob | undefined): string[] {
  const numbers = (evaluation?.figures ?? []).filter(({ shape }) => shape.length === 0);
  return numbers.map(({ name }) => `validation.${name}`);
}

/** @throws the failure of a worker; for a loss or gradient that is not finite, with the op that made the first one */
async function trainEpoch(
  core: TrainerCore,
  run: FitRun,
  limits: ResourceLimits,
  claim: Claim,
): Promise<EpochResult> {
  const { samples: data, options } = run.input;
  const outcome = await run.trainEpoch({
    optimizer: core.options.optimizer,
    planRows: (rows, { training }) =>
      planRows(core.context(core.memory.inUse()), data, training, { ...limits, rows }),
    memory: core.context(core.memory.inUse()),
    onProgress: (progress) => {
      core.feed.publish(progress);
      options.onProgress?.(progress);
    },
  });
  const { done, failure, result, start } = outcome;
  if (!failure) return result();
  if (failure.damage !== undefined) claim.breakUp(failure.damage);
  if (!failure.notFinite) throw failure.error;
  const report = await core.inspect(samplesOf(data, run.job, start, done)).catch(() => null);
  throw withCulprit(failure.error, report);
}

/** The health report of the first samples. */
function healthOf(core: TrainerCore, { samples, options }: FitInput): Promise<HealthReport> {
  const { health, batchSize = BATCH_SIZE } = options;
  return core.inspect(firstSamples(samples, batchSize), health === true ? {} : health || {});
}

/** Evaluates the averaged parameters if the optimiser keeps averages, as these are meant for later use. */
function validateIn(
  core: TrainerCore,
  session: Session,
  evaluation: EvaluationJob,
  restarts: Restarts,
  claim: Claim,
): Promise<Figures> {
  const evaluate = () => evaluateIn('fit', session, evaluation, restarts);
  const { stages } = core.options.optimizer;
  return stages.average === undefined ? evaluate() : core.withAverages(evaluate, claim);
}
