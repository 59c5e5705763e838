import type { TrainingScenario } from '../../lib/bench/scenario.js';
import { deepScenarios } from '../../lib/bench/scenarios/deep.js';
import { tinyMlp } from '../../lib/bench/scenarios/tiny-mlp.js';

/** The models to choose from: those of the sweep, and a tiny one, which shows the memory that Node itself takes. */
export const memoryScenarios: readonly TrainingScenario[] = [tinyMlp, ...deepScenarios];
