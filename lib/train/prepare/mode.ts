import type { Module } from '../../nn/index.js';

/** Runs a function with a model in training or in inference mode, then restores the model's mode. */
export function inMode<R>(model: Module, training: boolean, fn: () => R): R {
  const before = model.training;
  model.train(training);
  try {
    return fn();
  } finally {
    model.train(before);
  }
}
