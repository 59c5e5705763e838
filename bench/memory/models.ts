import type { TrainingScenario } from '../scenario.js';
import { deepScenarios } from '../scenarios/deep.js';
import { tinyMlp } from '../scenarios/tiny-mlp.js';

/** The models that can be asked for: those of the sweep, and one that takes next to nothing, which shows what Node takes. */
export const memoryScenarios: readonly TrainingScenario[] = [tinyMlp, ...deepScenarios];
