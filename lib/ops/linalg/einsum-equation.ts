import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';

/** The label of each axis of the operands and of the result: a letter, or `...0` for the last axis of an ellipsis. */
export interface Equation {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/**
 * Reads the equation of an `einsum`.
 *
 * @param ranks the number of axes of each operand
 */
export function parseEquation(equation: string, ranks: readonly number[]): Equation {
  if (typeof equation !== 'string') throw invalid('einsum', 'the equation must be a string', equation);
  const [left = '', right, ...more] = equation.replaceAll(' ', '').split('->');
  if (more.length > 0) throw invalid('einsum', 'the equation must have one ->', equation);
  const terms = left.split(',');
  if (terms.length !== ranks.length) {
    throw invalid('einsum', `the equation '${equation}' names ${terms.length} operands`, ranks.length);
  }
  const inputs = terms.map((term, i) => {
    const names = readTerm(equation, term);
    const rank = at(ranks, i);
    const hidden = rank - names.filter((name) => name !== '...').length;
    if (names.includes('...') ? hidden < 0 : hidden !== 0) {
      throw invalid('einsum', `operand ${i} has ${rank} axes, which '${term}' does not name`);
    }
    return names.flatMap((name) => (name === '...' ? ellipsis(hidden) : [name]));
  });
  const widest = Math.max(...inputs.map((labels) => labels.filter((label) => label.length > 1).length));
  const output = right === undefined ? implied(inputs, widest) : readTerm(equation, right);
  const labels = output.flatMap((name) => (name === '...' ? ellipsis(widest) : [name]));
  for (const label of labels) {
    if (!inputs.some((input) => input.includes(label))) {
      throw invalid('einsum', `the output names '${label}', which no operand has, in '${equation}'`);
    }
    if (labels.indexOf(label) !== labels.lastIndexOf(label)) {
      throw invalid('einsum', `the output names '${label}' twice in '${equation}'`);
    }
  }
  return { inputs, output: labels };
}

/** The letters of a term; an ellipsis counts as one. */
function readTerm(equation: string, term: string): string[] {
  const names = term.match(/\.\.\.|[a-zA-Z]/g) ?? [];
  if (names.join('') !== term || names.filter((name) => name === '...').length > 1) {
    throw invalid('einsum', `a term must be letters and at most one ..., in '${equation}'`, term);
  }
  return names;
}

/** Labels for the axes of an ellipsis, numbered from the last so that operands align at the end. */
function ellipsis(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `...${count - 1 - i}`);
}

function implied(inputs: readonly (readonly string[])[], widest: number): string[] {
  const all = inputs.flat();
  const once = [...new Set(all)].filter(
    (label) => label.length === 1 && all.indexOf(label) === all.lastIndexOf(label),
  );
  return [...(widest > 0 ? ['...'] : []), ...once.sort()];
}
