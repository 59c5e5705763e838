import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { Initialiser } from './initializer.js';
import { made, maker } from './made.js';
import { written } from './matrix.js';

/** The identity matrix, or as much of it as the shape [out, in] holds, as `torch.nn.init.eye_`. */
export const identity: Initialiser = made('identity', (shape, context) => {
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length > 2) {
    throw invalid('identity', 'the shape must have two axes', formatShape(shape));
  }
  return written(shape, context, (data) => {
    for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = 1;
  });
});

/**
 * A convolution kernel [..., C, O] that passes channel `i` through as channel `i`, as `torch.nn.init.dirac_`.
 *
 * @param groups number of groups of output channels, each starting again with the first input channel; default 1
 */
export const dirac = maker('dirac', { groups: optional(kinds.count) }, (groups = 1): Initialiser => {
  return made('dirac', (shape, context) => {
    if (shape.length < 3)
      throw invalid('dirac', 'the shape must have at least three axes', formatShape(shape));
    const [inputs, outputs] = shape.slice(-2) as [number, number];
    if (outputs % groups !== 0) throw invalid('dirac', `groups must divide the ${outputs} outputs`, groups);
    const taps = shape.slice(0, -2);
    const centre = taps.reduce((at, size) => at * size + Math.floor(size / 2), 0);
    const run = outputs / groups;
    return written(shape, context, (data) => {
      for (let output = 0; output < outputs; output++) {
        const input = output % run;
        if (input < inputs) data[(centre * inputs + input) * outputs + output] = 1;
      }
    });
  });
});
