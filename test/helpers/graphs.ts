import { Variable } from 'chainrule';
import { compileGraph, type Graph } from '#lib/compile/compile.js';
import type { Plan } from '#lib/compile/plan/plan.js';
import type { DType } from '#lib/graph/dtype.js';
import { Storage } from '#lib/graph/storage.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

/** A variable; its elements are 1, 2, 3 ... where no values are given. */
export function variable(
  shape: readonly number[],
  values?: readonly number[],
  dtype: DType = 'float32',
): Variable {
  const fill = (data: { [at: number]: number; readonly length: number }) => {
    for (let i = 0; i < data.length; i++) data[i] = values ? (values[i] as number) : i + 1;
  };
  return new Variable(new Storage(shape, dtype, fill));
}

export const valuesOf = (variable: Variable): number[] => Array.from(variable.storage.data);

/** The plan of a graph whose inputs and outputs may be left out. */
export function planOf(graph: Partial<Graph>): Plan {
  return compileGraph({ inputs: [], outputs: [], ...graph }, nativeKernels).plan;
}

/** A short description of each step: `conv2d`, `map add+relu`. */
export function kernelsOf(plan: Plan): string[] {
  return plan.steps.map((step) => {
    if (step.kernel === 'call') return step.name;
    return `${step.kernel} ${step.label}`;
  });
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => Promise.reject(new Error(`nothing was thrown, but ${value} returned`)),
    (error: Error) => error,
  );
}
