import { within } from '../graph/place.js';
import { LOSS, recordCalls } from '../health/record.js';
import type { Module } from '../nn/module.js';

/** Runs a function that traces the model and its loss; the steps of plans that it compiles know their layers. */
export function withPlaces<R>(model: Module, fn: () => R): R {
  return recordCalls(model, () => within({ layer: LOSS, phase: 'forward' }, fn)).result;
}
