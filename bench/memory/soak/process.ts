// A soak in a process of its own: its sizes are the argument, and a line of JSON goes to standard output for each sample,
// and one for the result.
import type { SoakSizes } from './sizes.js';
import { soak } from './soak.js';

const sizes = JSON.parse(process.argv[2] ?? '{}') as SoakSizes;
const result = await soak(sizes, (sample) => console.log(JSON.stringify({ sample })));
console.log(JSON.stringify({ result }));
