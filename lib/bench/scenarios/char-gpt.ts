import { type GptShape, gptStep } from '../models/gpt.js';

export const charGptShape: GptShape = { blocks: 4, width: 128, heads: 4, context: 64, vocabulary: 96 };

/** A character-level transformer. */
export const charGpt = gptStep('char_gpt', charGptShape, 32);
