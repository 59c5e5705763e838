import type { Shape } from '../graph/shapes.js';
import type { LoadReport } from '../nn/state/report.js';

/** A layer beside its recorded output. */
export interface ComparedLayer {
  /** Path of the layer; `output` for the model itself. Later calls of the same layer are `fc (2)`, `fc (3)`. */
  readonly path: string;
  /** Class of the layer. */
  readonly type: string;
  readonly shape: Shape;
  /** The recorded shape, in the order of our axes, if it is another one. */
  readonly recordedShape?: Shape;
  /** The largest absolute difference; infinite if the shapes differ. */
  readonly difference: number;
  /** That difference, relative to the largest recorded magnitude. */
  readonly relative: number;
  /** True if the relative difference exceeds the tolerance. */
  readonly departs: boolean;
  /** Why it departs, if a cause could be found: only for the first layer that does. */
  readonly reason?: string;
}

/** What `compare` found. */
export interface PortComparison {
  /** The recorded layers, in the order in which the model runs them. */
  readonly layers: readonly ComparedLayer[];
  /** The first layer that departs, if one does. */
  readonly first?: ComparedLayer;
  /** Names in the recording that no layer has. */
  readonly missing: readonly string[];
  /** Names in the recording of layers that the model did not call. */
  readonly uncalled: readonly string[];
  /** Layers that the model ran, and of which there is no recording. */
  readonly unrecorded: readonly string[];
  /** How the weights fit, if they were given. */
  readonly weights?: LoadReport;
  /** The error that ended the model's run behind a layer that departs. */
  readonly failure?: string;
}
