import type { TrainingScenario } from '../../lib/bench/scenario.js';
import { deepScenarios } from '../../lib/bench/scenarios/deep.js';
import { tinyMlp } from '../../lib/bench/scenarios/tiny-mlp.js';

/** The models that can be asked for: those of the sweep, and one that takes next to nothing, which shows what Node takes. */
export const memoryScenarios: readonly TrainingScenario[] = [tinyMlp, ...deepScenarios];
