import type { nn, Shape } from 'chainrule';

/** A training step to time: forward, loss, backward and Adam on random data, in float32. */
export interface Scenario {
  readonly name: string;
  /** What the model is, in a line. */
  readonly title: string;
  readonly batchSize: number;
  /** Shape of one input. */
  readonly input: Shape;
  readonly classes: number;
  model(): nn.Module;
}
