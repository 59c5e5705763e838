import type { Module } from '../../nn/index.js';

/** Runs a function while a model is in training or in inference. */
export function inMode<R>(model: Module, training: boolean, fn: () => R): R {
  const before = model.training;
  model.train(training);
  try {
    return fn();
  } finally {
    model.train(before);
  }
}
