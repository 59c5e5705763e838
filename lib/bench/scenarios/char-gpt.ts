import { gptStep } from '../models/gpt.js';

/** A character-level transformer. */
export const charGpt = gptStep(
  'char_gpt',
  { blocks: 4, width: 128, heads: 4, context: 64, vocabulary: 96 },
  32,
);
