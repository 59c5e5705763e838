import { type Kind, listOf } from '../graph/arguments/kind.js';
import { number, recordOf, string, withFields } from '../graph/arguments/kinds.js';
import type { LayerWork, OpWork, Profile, StepWork, Work } from './report.js';

const work: { readonly [K in keyof Work]: Kind<unknown> } = {
  milliseconds: number,
  share: number,
  calls: number,
  flops: number,
  bytes: number,
  gflopsPerSecond: number,
  gigabytesPerSecond: number,
  ofPeak: number,
};

const opWork = withFields<OpWork>('the work of an op', { ...work, op: string });

const layerWork = withFields<LayerWork>('the work of a layer', {
  ...work,
  layer: string,
  forwardMilliseconds: number,
  backwardMilliseconds: number,
});

const stepWork = withFields<StepWork>('the work of a step', {
  ...work,
  op: string,
  layer: string,
  part: string,
  shapes: string,
  fastestMilliseconds: number,
});

/** A profile; its flame chart may have been left out. */
export const profile: Kind<Profile> = withFields<Profile>('a profile, as Trainer.profile gives it', {
  workers: number,
  steps: number,
  batchSize: number,
  milliseconds: number,
  examplesPerSecond: number,
  peakGflopsPerSecond: number,
  peakGigabytesPerSecond: number,
  parts: recordOf(number, 'the parts of a step'),
  ops: listOf(opWork, 'ops'),
  layers: listOf(layerWork, 'layers'),
  slowest: listOf(stepWork, 'steps'),
});
