// One measurement in its own process: a JSON request is the argument, and its answer goes to standard output.
import { chooseScenarios } from '../../lib/bench/scenarios/index.js';
import { memoryScenarios } from './models.js';
import type { Request } from './protocol.js';
import { planOnly, trainWithin } from './training.js';

const [kind, text = '{}'] = process.argv.slice(2);
const request = JSON.parse(text) as Request;
const [scenario] = chooseScenarios(memoryScenarios, [request.scenario]);
if (scenario) {
  const answer = kind === 'plan' ? planOnly(scenario, request) : await trainWithin(scenario, request);
  console.log(JSON.stringify(answer));
}
