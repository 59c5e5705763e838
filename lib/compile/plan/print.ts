import { at } from '../../graph/at.js';
import type { Operand, Plan, Program, ScanStep, Step } from './plan.js';
import { isContiguous } from './values.js';

/**
 * Prints a plan as text, one line per step: its operands, its computation, its destinations. `@64` is byte 64 of the
 * arena, `input0` the first input, `%1` a register of a fused program. Shape and dtype are omitted where they equal
 * those of the program, strides where a value is contiguous.
 */
export function printPlan(plan: Plan): string {
  const counts = new Map<string, number>();
  const names = plan.bindings.map(({ kind }) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return `${kind}${count}`;
  });
  const show = (operand: Operand) => showOperand(operand, names);
  return plan.steps.map((step, index) => `${index}: ${showStep(step, show)}`).join('\n');
}

function showStep(step: Step, show: (operand: Operand) => string): string {
  switch (step.kernel) {
    case 'map':
      return `map ${showProgram(step, show)}`;
    case 'reduce': {
      const names = registerNames(step);
      const reductions = step.reductions.map(
        ({ code, result, output }) => `${code}[${step.dims.join(',')}] ${names[result]} -> ${show(output)}`,
      );
      return [`reduce ${showProgram(step, show)}`, ...reductions].join('; ');
    }
    case 'copy':
      return `copy ${show(step.input)} -> ${show(step.output)}`;
    case 'fill':
      return `fill ${step.value} -> ${show(step.output)}`;
    case 'call': {
      const inputs = Object.entries(step.inputs).map(([name, operand]) => `${name}: ${show(operand)}`);
      const attributes = Object.entries(step.attributes).map(
        ([name, value]) => `${name}: ${JSON.stringify(value)}`,
      );
      const method = step.method === undefined ? '' : ` by ${step.method}`;
      return `${step.name}${method} ${[...inputs, ...attributes].join(', ')} -> ${show(step.output)}`;
    }
    case 'scan':
      return showScan(step, show);
  }
}

/** The bindings of the loop under the names that its body uses, and the steps of the body below. */
function showScan(step: ScanStep, show: (operand: Operand) => string): string {
  const { length, reverse, body, bindings, reads, workspace } = step;
  const bound = bindings.map(({ operand, slots, first }, i) => {
    const name = i < reads ? `input${i}` : `output${i - reads}`;
    const position = first === 0 ? 't' : `t + ${first}`;
    const ring = first === 0 ? position : `(${position})`;
    const slot = slots === 1 ? '' : `[${slots < length + first ? `${ring} % ${slots}` : position}]`;
    return `${name} = ${show(operand)}${slot}`;
  });
  const arena = workspace ? [`arena ${show(workspace)}`] : [];
  const head = `scan t = ${reverse ? `${length - 1} to 0` : `0 to ${length - 1}`}: ${[...bound, ...arena].join('; ')}`;
  return [head, ...printPlan(body).split('\n')].join('\n    ');
}

/** `float32[2,3] %0 = input0; %1 = add %0 1; %1 -> output0`, with constants inlined. */
function showProgram(program: Program, show: (operand: Operand) => string): string {
  const { compute, shape, operands, instructions, results, outputs } = program;
  const names = registerNames(program);
  const whole = ` ${compute}[${shape.join(',')}]`;
  const brief = (operand: Operand) => show(operand).replace(whole, '');
  const loads = operands.map((operand, i) => `${names[i]} = ${brief(operand)}`);
  const work = instructions.map(({ code, inputs, value }, i) => {
    const parts = [
      code,
      ...inputs.map((register) => names[register]),
      ...(value === undefined ? [] : [value]),
    ];
    return code === 'constant' ? [] : [`${names[operands.length + i]} = ${parts.join(' ')}`];
  });
  const stores = outputs.map((output, i) => `${names[at(results, i)]} -> ${brief(output)}`);
  return `${compute}[${shape.join(',')}] ${[...loads, ...work.flat(), ...stores].join('; ')}`;
}

/** The name of each register: the value of a constant, `%i` otherwise. */
function registerNames({ operands, instructions }: Program): string[] {
  const codes = [...operands.map(() => undefined), ...instructions];
  return codes.map((made, i) => (made?.code === 'constant' ? String(made.value) : `%${i}`));
}

function showOperand(operand: Operand, names: readonly string[]): string {
  const { buffer, offset, dtype, shape, strides } = operand;
  const place = buffer === 0 ? `@${offset}` : `${names[buffer - 1]}${offset === 0 ? '' : `@${offset}`}`;
  return `${place} ${dtype}[${shape.join(',')}]${isContiguous(operand) ? '' : ` strides[${strides.join(',')}]`}`;
}
