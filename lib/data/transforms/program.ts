import { isRecord } from '../../graph/arguments/is-record.js';
import { type Kind, kind } from '../../graph/arguments/kind.js';
import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { type Shape, sizeOf } from '../../graph/shapes.js';
import { addon } from '../../runtime/addon.js';
import { type Columns, mapColumns, of } from '../columns.js';
import type { ColumnTransforms } from './by-input.js';
import type { Custom, Mixup, Transform } from './transform.js';

/** Shape and dtype of one sample's part in a column. */
export interface Form {
  readonly shape: Shape;
  readonly dtype: DType;
}

export const form: Kind<Form> = kind(
  'a form { shape, dtype }',
  (value) => isRecord(value) && Array.isArray(value.shape) && typeof value.dtype === 'string',
);

/** Consecutive transforms that the addon runs as one program (see `native/data/augment.cc`). */
export interface NativeTransforms {
  readonly kind: 'native';
  readonly program: Float64Array<ArrayBuffer>;
  readonly to: Form;
  /** Number of elements of the largest intermediate image. */
  readonly largest: number;
}

/** A transform that a module computes. */
export interface CustomTransform {
  readonly kind: 'custom';
  readonly transform: Custom;
  /** Index in the list of all transforms. */
  readonly position: number;
  readonly from: Form;
  readonly to: Form;
}

export type Pass = NativeTransforms | CustomTransform;

/** The passes that transform the inputs of samples, and the forms of all columns afterwards. */
export interface TransformPlan {
  /** By column, of those that are transformed. */
  readonly passes: Columns<readonly Pass[]>;
  readonly mixup: { readonly transform: Mixup; readonly position: number } | null;
  readonly forms: Columns<Form>;
}

const images: readonly string[] = ['flip', 'crop', 'affine', 'colorJitter', 'cutout'];

/**
 * Plans the transforms of samples of given forms. Each transform has a position among those of all inputs, on which its
 * random numbers depend.
 *
 * @throws ChainruleError naming a transform that cannot be applied
 */
export function planTransforms(columns: Columns<Form>, transforms: ColumnTransforms): TransformPlan {
  const forms: Record<string, Form> = { ...mapColumns(columns, formOf) };
  const passes: Record<string, readonly Pass[]> = {};
  let mixup: TransformPlan['mixup'] = null;
  let first = 0;
  for (const [column, list] of Object.entries(transforms)) {
    const { most } = addon().constants.transforms;
    if (list.length > most) throw invalid('transform', `takes ${most} transforms`, list.length);
    const planner = new TransformPlanner(of(forms, column));
    list.forEach((transform, i) => {
      if (mixup) throw invalid('mixup', 'must stand behind all other transforms, once', transform.kind);
      const position = first + i;
      if (transform.kind === 'mixup') mixup = { transform, position };
      else if (transform.kind === 'custom') planner.addCustom(transform, position);
      else planner.addNative(transform, position);
    });
    first += list.length;
    forms[column] = planner.end();
    passes[column] = planner.list;
    const last = list.at(-1);
    if (last?.kind === 'mixup') requireMixable(columns);
    if (last?.kind === 'mixup') forms.targets = mixedTargets(of(forms, 'targets'), last);
  }
  return { passes, mixup, forms };
}

/** Reduces a field to its form. */
function formOf({ shape, dtype }: Form): Form {
  return { shape, dtype };
}

/** The rows of all columns would have to be mixed, and weights are not the weights of a mixture. */
function requireMixable(columns: Columns<Form>): void {
  const names = Object.keys(columns);
  if (names.every((name) => name === 'inputs' || name === 'targets')) return;
  throw invalid('mixup', 'needs one input, one target and no weights', names.join(', '));
}

function mixedTargets(targets: Form, { classes }: Mixup): Form {
  if (targets.dtype === 'float32') return targets;
  if (targets.dtype !== 'int32' && targets.dtype !== 'uint8')
    throw invalid('mixup', 'targets must be int32 or uint8 labels, or float32', targets.dtype);
  if (targets.shape.length > 0)
    throw invalid('mixup', 'labels must be one number per sample', formatShape(targets.shape));
  if (classes === null) throw invalid('mixup', 'needs the number of classes, to mix labels');
  return { shape: [classes], dtype: 'float32' };
}

/** Collects passes while tracking the form of the inputs. */
class TransformPlanner {
  readonly list: Pass[] = [];
  #form: Form;
  /** True if values are bytes from 0 to 255, in whatever dtype. */
  #bytes: boolean;
  #numbers: number[] | null = null;
  #largest = 0;

  constructor(form: Form) {
    this.#form = form;
    this.#bytes = form.dtype === 'uint8';
  }

  addCustom(transform: Custom, position: number): void {
    this.#endNative();
    const to: Form = { shape: transform.shape ?? this.#form.shape, dtype: transform.dtype };
    this.list.push({ kind: 'custom', transform, position, from: this.#form, to });
    this.#form = to;
    this.#bytes = transform.dtype === 'uint8';
  }

  /** Adds to a program the transform's code, its index among all transforms, the number of its arguments, and these. */
  addNative(transform: Exclude<Transform, Mixup | Custom>, position: number): void {
    const numbers = this.#startNative();
    const { shape } = this.#form;
    const arguments_ = argumentsOf(transform, shape, this.#bytes);
    numbers.push(
      codeOf(transform.kind, addon().constants.transforms.names),
      position,
      arguments_.length,
      ...arguments_,
    );
    if (transform.kind === 'crop' && transform.size)
      this.#form = { ...this.#form, shape: [...transform.size, at(shape, 2)] };
    if (transform.kind === 'normalize' && (transform.divisor ?? 255) !== 1) this.#bytes = false;
    this.#largest = Math.max(this.#largest, sizeOf(this.#form.shape));
  }

  /** Ends the last pass. The result is always float32, converted here if no pass did so. */
  end(): Form {
    if (this.#form.dtype !== 'float32') this.#startNative();
    this.#endNative();
    return this.#form;
  }

  #startNative(): number[] {
    if (!this.#numbers) {
      const { shape } = this.#form;
      this.#numbers = asImage(shape);
      this.#largest = sizeOf(shape);
    }
    return this.#numbers;
  }

  #endNative(): void {
    if (!this.#numbers) return;
    this.#form = { shape: this.#form.shape, dtype: 'float32' };
    this.list.push({
      kind: 'native',
      program: Float64Array.from(this.#numbers),
      to: this.#form,
      largest: this.#largest,
    });
    this.#numbers = null;
  }
}

/** Treats inputs other than images as one row of pixels. */
function asImage(shape: Shape): number[] {
  if (shape.length === 3) return [...shape];
  return [1, sizeOf(shape.slice(0, -1)), shape.at(-1) ?? 1];
}

function argumentsOf(
  transform: Exclude<Transform, Mixup | Custom>,
  shape: Shape,
  bytes: boolean,
): readonly number[] {
  const { kind } = transform;
  if (images.includes(kind) && shape.length !== 3)
    throw invalid(kind, 'needs images of shape [height, width, channels]', formatShape(shape));
  const [height = 1, width = 1, channels = shape.at(-1) ?? 1] = shape;
  switch (transform.kind) {
    case 'flip':
      return [transform.horizontal, transform.vertical];
    case 'crop': {
      const { size, padding, mode, fill } = transform;
      const [rows, columns] = size ?? [height, width];
      requirePadding(padding, mode, [height, width]);
      if (rows > height + 2 * padding[0] || columns > width + 2 * padding[1]) {
        const padded = formatShape([height + 2 * padding[0], width + 2 * padding[1]]);
        throw invalid('crop', `size must fit into the padded image of ${padded}`, [rows, columns]);
      }
      return [rows, columns, ...padding, codeOf(mode, addon().constants.transforms.paddings), fill];
    }
    case 'affine': {
      const { degrees, translate, scale, shear, fill } = transform;
      const [down, right] = [translate[0] * height, translate[1] * width];
      return [...degrees, -down, down, -right, right, ...scale, ...shear[0], ...shear[1], fill];
    }
    case 'colorJitter':
      if (channels !== 1 && channels !== 3)
        throw invalid('colorJitter', 'needs images of one channel or three', channels);
      return [...transform.brightness, ...transform.contrast, ...transform.saturation, bytes ? 255 : 1];
    case 'normalize': {
      const { mean, std, divisor } = transform;
      const last = shape.at(-1) ?? 1;
      if (mean.length !== 1 && mean.length !== last)
        throw invalid('normalize', `mean and std must have 1 or ${last} numbers`, mean.length);
      return [divisor ?? (bytes ? 255 : 1), ...mean, ...std];
    }
    case 'cutout':
      return [transform.size, transform.fill];
    case 'noise':
      return [transform.std];
  }
}

/** The code of a name in the addon, which is its position among all names of its kind. */
function codeOf(name: string, names: readonly string[]): number {
  const code = names.indexOf(name);
  if (code < 0) throw invalid('transform', `the addon must know ${name}; it knows ${names.join(', ')}`);
  return code;
}

function requirePadding(
  padding: readonly [number, number],
  mode: string,
  size: readonly [number, number],
): void {
  if (mode !== 'reflect' && mode !== 'symmetric') return;
  padding.forEach((pixels, axis) => {
    const most = at(size, axis) - (mode === 'reflect' ? 1 : 0);
    if (pixels > most) throw invalid('crop', `padding must be at most ${most} for this image`, pixels);
  });
}
