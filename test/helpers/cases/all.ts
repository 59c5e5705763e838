import { attentionCases } from './attention.js';
import { elementwiseCases } from './elementwise.js';
import { identityCases } from './identity.js';
import { imageCases } from './images.js';
import { indexingCases } from './indexing.js';
import { movementCases } from './movement.js';
import { otherCases } from './reductions.js';
import { scanCases } from './scan.js';
import { shapeCases } from './shapes.js';
import { transcendentalCases } from './transcendental.js';

/** The checks of all ops by kind. */
export const cases = {
  ...elementwiseCases,
  ...transcendentalCases,
  ...shapeCases,
  ...movementCases,
  ...imageCases,
  ...indexingCases,
  ...otherCases,
  ...identityCases,
  ...scanCases,
  ...attentionCases,
};
