// Faults that people make in gradient rules, kernels and the compiler. Each is a text that occurs once in its file, its
// replacement, and the tests that should see it, as arguments of vitest.

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} file
 * @property {string} find
 * @property {string} replace
 * @property {readonly string[]} tests
 */

/** The checks of the ops whose names match. @param {string} pattern @returns {string[]} */
const ops = (pattern) => ['test/ops/table.test.ts', 'test/ops/fixtures/arithmetic.test.ts', '-t', pattern];

/** @type {readonly Fault[]} */
const gradientRules = [
  {
    name: 'wrong sign in the gradient of abs',
    file: 'lib/ops/primitives/elementwise.ts',
    find: '[mul(g, sign(node.input(0)))]',
    replace: '[neg(mul(g, sign(node.input(0))))]',
    tests: ops('abs'),
  },
  {
    name: 'wrong sign for the second operand of sub',
    file: 'lib/ops/primitives/elementwise.ts',
    find: '(g) => [g, neg(g)]',
    replace: '(g) => [g, g]',
    tests: ops('sub'),
  },
  {
    name: 'wrong sign for the divisor',
    file: 'lib/ops/primitives/elementwise.ts',
    find: 'neg(div(mul(g, node), node.input(1)))',
    replace: 'div(mul(g, node), node.input(1))',
    tests: ops('div'),
  },
  {
    name: 'gradient of sqrt without its half',
    file: 'lib/ops/primitives/elementwise.ts',
    find: 'div(mul(g, 0.5), node)',
    replace: 'div(g, node)',
    tests: ops('sqrt'),
  },
  {
    name: 'gradient of tanh from its value, not from the square of it',
    file: 'lib/ops/primitives/elementwise.ts',
    find: 'mul(g, sub(1, mul(node, node)))',
    replace: 'mul(g, sub(1, node))',
    tests: ops('tanh'),
  },
  {
    name: 'gradient of sigmoid without its second factor',
    file: 'lib/ops/primitives/elementwise.ts',
    find: 'mul(g, mul(node, sub(1, node)))',
    replace: 'mul(g, node)',
    tests: ops('sigmoid'),
  },
  {
    name: 'gradient of relu passes where its input is negative',
    file: 'lib/ops/primitives/elementwise.ts',
    find: '[where(gt(node, 0), g, 0)]',
    replace: '[where(gt(node, -1), g, 0)]',
    tests: ops('relu'),
  },
  {
    name: 'ties of maximum give both sides the whole gradient',
    file: 'lib/ops/primitives/elementwise.ts',
    find: 'where(eq(greater, other), mul(g, 0.5), g)',
    replace: 'where(eq(greater, other), g, g)',
    tests: ops('maximum'),
  },
  {
    name: 'gradient of pow with the exponent not lowered',
    file: 'lib/ops/primitives/elementwise.ts',
    find: 'mul(y, pow(x, sub(y, 1)))',
    replace: 'mul(y, pow(x, y))',
    tests: ops('pow'),
  },
  {
    name: 'gradient of where goes to both branches',
    file: 'lib/ops/primitives/elementwise.ts',
    find: '[null, where(node.input(0), g, 0), where(node.input(0), 0, g)]',
    replace: '[null, where(node.input(0), g, 0), g]',
    tests: ops('where'),
  },
  {
    name: 'one of the broadcast axes is not summed',
    file: 'lib/ops/primitives/broadcast.ts',
    find: 'axes.length === 0 ? x : sum(x, axes)',
    replace: 'axes.length === 0 ? x : sum(x, axes.slice(1))',
    tests: ops('expand'),
  },
  {
    name: 'equal maxima each get the whole gradient',
    file: 'lib/ops/primitives/reduce.ts',
    find: 'const share = div(reshape(gradient, kept), sum(chosen, axes, { keepDims: true }));',
    replace: 'const share = div(reshape(gradient, kept), 1);',
    tests: ops('max of ties'),
  },
  {
    name: 'mean divides by one element too many',
    file: 'lib/ops/math/reductions.ts',
    find: 'mul(sum(x, over, options), 1 / count)',
    replace: 'mul(sum(x, over, options), 1 / (count + 1))',
    tests: ops('mean'),
  },
  {
    name: 'gradient of concat slices every part from the start',
    file: 'lib/ops/primitives/movement.ts',
    find: 'return sliceAxis(gradient, axis, from, to);',
    replace: 'return sliceAxis(gradient, axis, 0, to - from);',
    tests: ops('concat'),
  },
  {
    name: 'gradient of permute by the same order, not by its inverse',
    file: 'lib/ops/primitives/movement.ts',
    find: 'inverse[axis] = i;',
    replace: 'inverse[i] = axis;',
    tests: ops('permute'),
  },
  {
    name: 'gradient of pad is shifted by one',
    file: 'lib/ops/primitives/movement.ts',
    find: 'node.input(0).shape.map((d, axis) => [before[axis] as number, (before[axis] as number) + d])',
    replace: 'node.input(0).shape.map((d, axis) => [before[axis] as number, d])',
    tests: ops('pad'),
  },
  {
    name: 'gradient of matmul for a transposed left side is not transposed',
    file: 'lib/ops/primitives/matmul.ts',
    find: '? product(b, gradient, { transposeA: transposeB, transposeB: true })',
    replace: '? product(b, gradient, { transposeA: transposeB, transposeB: false })',
    tests: ops('matmul'),
  },
  {
    name: 'softmax without the shift by its maximum',
    file: 'lib/ops/nn/softmax.ts',
    find: 'const shifted = sub(line, largest(line, [over]));',
    replace: 'const shifted = sub(line, 0);',
    tests: ['test/nn/module.test.ts', 'test/nn/losses/losses.test.ts'],
  },
  {
    name: 'dropout keeps the scale of what it keeps',
    file: 'lib/ops/nn/dropout.ts',
    find: 'x, 0), 1 / (1 - p))',
    replace: 'x, 0), 1)',
    tests: ['test/ops/dropout.test.ts'],
  },
];

/** @type {readonly Fault[]} */
const kernels = [
  {
    name: 'convolution taps are one pixel off',
    file: 'native/kernels/conv/conv_band.h',
    find: 'k * s.dilation[axis] - s.padding[axis]',
    replace: 'k * s.dilation[axis] - s.padding[axis] + 1',
    tests: ops('conv2d'),
  },
  {
    name: 'input gradient of a convolution forgets the dilation',
    file: 'native/kernels/conv/conv_methods.h',
    find: 'phase + s.padding[axis] - k * s.dilation[axis]',
    replace: 'phase + s.padding[axis] - k',
    tests: ops('conv2dInputGrad'),
  },
  {
    name: 'a depthwise convolution reads the weights of the tap before',
    file: 'native/kernels/conv/conv_depthwise.h',
    find: 'const T* w = line.weight + weight_offsets_[t] + c;',
    replace: 'const T* w = line.weight + weight_offsets_[t > 0 ? t - 1 : t] + c;',
    tests: ['test/ops/table.test.ts', 'test/ops', '-t', 'onv'],
  },
  {
    name: 'weight gradient of a convolution keeps only the last band',
    file: 'native/kernels/conv/conv_weight_products.h',
    find: 'panels_.template for_each_tile<true>',
    replace: 'panels_.template for_each_tile<false>',
    tests: ['test/train/training-fixtures.test.ts'],
  },
  {
    name: 'weight gradient to few channels has the taps in reverse order',
    file: 'native/kernels/conv/conv_weight_grad.cc',
    find: 'output + tap * channels * shape_.out_channels',
    replace:
      'output + (shape_.kernel_height * shape_.kernel_width - 1 - tap) * channels * shape_.out_channels',
    tests: ['test/ops/spatial/conv-bands.test.ts'],
  },
  {
    name: 'a convolution to few channels leaves what was in the border of a plane',
    file: 'native/kernels/conv/conv_planes.h',
    find: 'std::fill(to + c * plane_ + before + count, to + c * plane_ + pitch_, T(0));',
    replace: '',
    tests: ['test/ops/spatial/conv-bands.test.ts'],
  },
  {
    name: "Winograd's results weigh a point wrongly",
    file: 'native/kernels/conv/winograd_transform.h',
    find: 'y[2] = T(0.5) * near_sum + T(2) * far_sum;',
    replace: 'y[2] = T(0.5) * near_sum + T(1) * far_sum;',
    tests: ['test/ops/spatial/winograd.test.ts'],
  },
  {
    name: 'a convolution takes direct sums only where Winograd does not fit',
    file: 'native/kernels/conv/winograd_grid.h',
    find: 'const bool fits = !s.direct && dtype',
    replace: 'const bool fits = dtype',
    tests: ['test/ops/spatial/conv-algorithm.test.ts'],
  },
  {
    name: 'a product of int32 is rounded before it wraps around',
    file: 'native/kernels/vector/integers.h',
    find: 'return wrap_int32(wrap_int32(high * b) * kHalf + low * b);',
    replace: 'return wrap_int32(a * b);',
    tests: ['test/ops/integers.test.ts'],
  },
  {
    name: 'sums of int32 do not wrap around',
    file: 'native/kernels/reduce/reduce.cc',
    find: 'dtype == DType::kInt32 ? kWrappedSum<T> : kCombiner<Sum, T>',
    replace: 'kCombiner<Sum, T>',
    tests: ['test/ops/integers.test.ts'],
  },
  {
    name: 'cumulative products of floats are not taken in order',
    file: 'lib/ops/scan/cumulative-product.ts',
    find: 'return isFloat(line.dtype) ? inOrder(line, along) : byDoubling(line, along);',
    replace: 'return byDoubling(line, along);',
    tests: ['test/ops/extremes.test.ts'],
  },
  {
    name: "Winograd's method reads one pixel beyond the border",
    file: 'native/kernels/conv/winograd_grid.h',
    find: 'inside && column + j >= 0 && column + j < width',
    replace: 'inside && column + j >= 0 && column + j <= width',
    tests: ['test/ops/spatial/winograd.test.ts'],
  },
  {
    name: 'the last maximum of a pooling window wins a tie',
    file: 'native/kernels/pool/max_pool.cc',
    find: 'return (candidate > best) | (candidate != candidate);',
    replace: 'return (candidate >= best) | (candidate != candidate);',
    tests: ['test/ops/values.test.ts', 'test/ops/spatial/max-pool.test.ts'],
  },
  {
    name: 'average pooling divides by the window at the border',
    file: 'native/kernels/pool/avg_pool.cc',
    find: 'add_scaled(row + w * channels, scale, output + pixel * channels, channels);',
    replace:
      'add_scaled(row + w * channels, T(1) / static_cast<T>((rows.last - rows.first) * (columns.last - columns.first)), output + pixel * channels, channels);',
    tests: ops('avgPool2d'),
  },
  {
    name: 'scatterAdd overwrites instead of adding',
    file: 'native/kernels/index/gather.cc',
    find: 'target[j] += source[j]',
    replace: 'target[j] = source[j]',
    tests: ops('scatterAdd'),
  },
  {
    name: 'an index one past the table is let through',
    file: 'native/kernels/index/indices.h',
    find: 'index >= high',
    replace: 'index > high',
    tests: ['test/train/bad-input.test.ts', 'test/ops'],
  },
  {
    name: 'argMax gives the last of equal maxima',
    file: 'native/kernels/reduce/argmax.cc',
    find: '(Better()(value, best[i]) | (value != value))',
    replace: '(!Better()(best[i], value) | (value != value))',
    tests: ['test/ops/arg-max.test.ts'],
  },
  {
    name: 'one coefficient of exp is off in the sixth digit',
    file: 'native/kernels/vector/math.h',
    find: '1.666652e-1f, 4.9999994e-1f',
    replace: '1.666652e-1f, 5.0003e-1f',
    tests: ['test/ops/accuracy.test.ts'],
  },
  {
    name: 'cos is sin of the quadrant before',
    file: 'native/kernels/vector/math.h',
    find: 'return shifted_sin(x, 1);',
    replace: 'return shifted_sin(x, -1);',
    tests: ops('cos'),
  },
  {
    name: 'the maximum forgets a NaN that it has seen',
    file: 'native/kernels/reduce/combine_elements.h',
    find: 'total = total != total ? total : (total > next ? total : next);',
    replace: 'total = total > next ? total : next;',
    tests: ['test/ops/values.test.ts', 'test/ops/table.test.ts', '-t', 'max'],
  },
  {
    name: 'a row of a reduction loses its last elements',
    file: 'native/kernels/reduce/combine_rows.h',
    find: 'if (length > 0) combine_part',
    replace: 'if (length > 1) combine_part',
    tests: ops('sum'),
  },
  {
    name: 'the random generator makes nine rounds',
    file: 'native/kernels/philox.h',
    find: 'round < 10',
    replace: 'round < 9',
    tests: ['test/graph/random.test.ts', 'test/compile/random-graphs.test.ts'],
  },
  {
    name: 'random numbers forget where a shard starts',
    file: 'native/kernels/vector/uniform_stream.h',
    find: 'offset_ = static_cast<int64_t>(run.context[3]) * per_sample_;',
    replace: 'offset_ = 0;',
    tests: ['test/ops/dropout.test.ts', 'test/graph/random.test.ts'],
  },
  {
    name: 'a copy takes the rows and columns of its tiles for one another',
    file: 'native/kernels/vector/copy.cc',
    find: 'output[r * rows.out + c * columns.out] = input[r * rows.in + c * columns.in];',
    replace: 'output[r * rows.out + c * columns.out] = input[c * rows.in + r * columns.in];',
    tests: ops('transpose and reshape'),
  },
  {
    name: 'a product of few rows drops the terms that do not fill a vector',
    file: 'native/kernels/gemm/gemm_lanes.h',
    find: 'if (const int64_t rest = block.depth % kLanes) {',
    replace: 'if (const int64_t rest = 0 * block.depth) {',
    tests: ['test/ops/matmul/kernels.test.ts'],
  },
  {
    name: 'a long product of few rows begins its partial sums with the ones before',
    file: 'native/kernels/gemm/gemm_stream.h',
    find: 'first == k};',
    replace: 'first == 0};',
    tests: ['test/ops/matmul/kernels.test.ts'],
  },
  {
    name: 'a turned product of many terms keeps the last ones only',
    file: 'native/kernels/gemm/gemm_blocks.h',
    find: 'turned = narrow ? k <= kDepth :',
    replace: 'turned = narrow ? k > 0 :',
    tests: ['test/ops/matmul/kernels.test.ts'],
  },
  {
    name: 'the way to multiply depends on the number of rows',
    file: 'native/kernels/gemm/matrix_product.h',
    find: 'if (b_along && k >= kLongLanes) {',
    replace: 'if (b_along && k >= kLongLanes && m > 4) {',
    tests: ['test/ops/matmul/kernels.test.ts'],
  },
  {
    name: 'a sum of products counts a shard without rows',
    file: 'native/kernels/gemm/matmul_sum.cc',
    find: 'if (stack[depth] && stack[depth - 1]) program_[size_++] = kAdd;',
    replace: 'if (stack[depth] || stack[depth - 1]) program_[size_++] = kAdd;',
    tests: ops('matmulSum'),
  },
  {
    name: 'a sum of products takes the factors of a shard from another one',
    file: 'native/kernels/gemm/matmul_sum.cc',
    find: 'multiply(k, a + s * a_.stride(0), b + s * b_.stride(0), at(depth++), workspace);',
    replace: 'multiply(k, a + s * a_.stride(0), b + word * b_.stride(0), at(depth++), workspace);',
    tests: ops('matmulSum'),
  },
  {
    name: 'shards that are added in turn leave out the gradients behind the first that are not stored',
    file: 'lib/parallel/worker/batch-runner.ts',
    find: 'this.#used = rangesOf(job.used);',
    replace: 'this.#used = rangesOf(job.used.slice(0, 1));',
    tests: ['test/parallel/weight-products.test.ts'],
  },
  {
    name: 'factors that are too large are taken for gradients that are not finite',
    file: 'lib/parallel/worker/batch-runner.ts',
    find: 'const bound = Math.min(2 * rows * perRow * most * most, Number.MAX_VALUE);',
    replace: 'const bound = 2 * rows * perRow * most * most;',
    tests: ['test/parallel/weight-products.test.ts'],
  },
  {
    name: 'matmul takes the inner dimension from the wrong side',
    file: 'native/kernels/gemm/matmul.cc',
    find: 'a_storage_.transposed ^= transpose_a;',
    replace: 'a_storage_.transposed ^= transpose_b;',
    tests: ops('matmul'),
  },
];

/** @type {readonly Fault[]} */
const engine = [
  {
    name: 'the second contribution to a gradient is added to itself',
    file: 'lib/ops/primitives/backward.ts',
    find: 'sum ? add(sum, contribution) : contribution',
    replace: 'sum ? add(contribution, contribution) : contribution',
    tests: ['test/autodiff/grad.test.ts', 'test/ops/table.test.ts'],
  },
  {
    name: 'a comparison is mirrored without its operands',
    file: 'lib/compile/vector/normalise.ts',
    find: 'emit({ code: mirrored.get(name) as string, inputs: [second, first] })',
    replace: 'emit({ code: mirrored.get(name) as string, inputs: [first, second] })',
    tests: ['test/compile', 'test/ops/table.test.ts'],
  },
  {
    name: 'a - 0 and 0 - a are taken for one another',
    file: 'lib/ops/primitives/elementwise.ts',
    find: "wrapping('sub', (g) => [g, neg(g)], { neutral: { right: 0 } })",
    replace: "wrapping('sub', (g) => [g, neg(g)], { neutral: { left: 0, right: 0 } })",
    tests: ['test/compile', 'test/ops/table.test.ts'],
  },
  {
    name: 'a buffer is free one step too early',
    file: 'lib/compile/arena/first-fit.ts',
    find: 'if ((firsts[i] as number) > last || (lasts[i] as number) < first) continue;',
    replace: 'if ((firsts[i] as number) >= last || (lasts[i] as number) <= first) continue;',
    tests: ['test/compile', 'test/compile/random-graphs.test.ts'],
  },
  {
    name: 'a view with a stride is taken for contiguous',
    file: 'lib/compile/plan/values.ts',
    find: 'shape.every((d, axis) => d === 1 || strides[axis] === expected[axis])',
    replace: 'shape.every((d, axis) => d === 1 || (strides[axis] as number) >= (expected[axis] as number))',
    tests: ['test/ops/table.test.ts', 'test/ops', 'test/compile/random-graphs.test.ts'],
  },
];

/** @type {readonly Fault[]} */
const loops = [
  {
    name: 'a scan in reverse walks forwards',
    file: 'native/engine/scan.cc',
    find: 'reverse_ ? length_ - 1 - i : i',
    replace: 'i',
    tests: ops('scan'),
  },
  {
    name: 'every step of a scan draws the same random numbers',
    file: 'native/engine/scan.cc',
    find: 'seed_word(run.context[kSeedHigh], t)',
    replace: 'seed_word(run.context[kSeedHigh], 0)',
    tests: ['test/ops/scan.test.ts', 'test/nn/recurrent'],
  },
  {
    name: 'a gradient through a scan reads the carried values after each step for those before it',
    file: 'lib/graph/loop.ts',
    find: "return reverse === (when === 'before') ? 1 : 0;",
    replace: "return reverse === (when === 'after') ? 1 : 0;",
    tests: ops('scan'),
  },
  {
    name: 'any product with a transposed side is taken for one that can be summed over the steps at once',
    file: 'lib/ops/primitives/scan/scan-sums.ts',
    find: 'return transposeA && !transposeB && !node.inputs',
    replace: 'return (transposeA || transposeB) && !node.inputs',
    tests: [...ops('scan').slice(0, 1), 'test/ops/scan.test.ts', 'test/nn/recurrent'],
  },
];

/** @type {readonly Fault[]} */
const layers = [
  {
    name: 'the running variance of batch normalisation is the biased one',
    file: 'lib/nn/layers/batch-norm.ts',
    find: 'mul(variance, count / (count - 1))',
    replace: 'mul(variance, 1)',
    tests: ['test/nn/batch-norm.test.ts'],
  },
  {
    name: 'gelu with the deviation of 1 / 2',
    file: 'lib/ops/nn/smooth-activations.ts',
    find: 'mul(x, Math.SQRT1_2)',
    replace: 'mul(x, 0.5)',
    tests: ['test/nn/activations.test.ts'],
  },
  {
    name: 'attention without its scale',
    file: 'lib/ops/nn/attention.ts',
    find: 'scale ?? 1 / Math.sqrt(query.shape.at(-1) || 1)',
    replace: 'scale ?? 1',
    tests: ['test/nn/attention.test.ts'],
  },
  {
    name: 'attention does not correct earlier blocks when the maximum grows',
    file: 'native/kernels/attention/attention.cc',
    find: 'if (at.first_key > 0) scale_queries(',
    replace: 'if (at.first_key < 0) scale_queries(',
    tests: ['test/ops/attention-kernel.test.ts'],
  },
  {
    name: 'causal attention sees one key too many',
    file: 'native/kernels/attention/attention_scores.h',
    find: 'const int64_t before = at.first_key + s - at.first_query;',
    replace: 'const int64_t before = at.first_key + s - at.first_query - 1;',
    tests: ['test/ops/attention-kernel.test.ts'],
  },
  {
    name: 'gradient of attention without the mean of the slopes',
    file: 'native/kernels/attention/slopes.h',
    find: 'weights[i] * (slopes[i] - rows.mean[i]) * scale;',
    replace: 'weights[i] * slopes[i] * scale;',
    tests: ['test/ops/attention-kernel.test.ts'],
  },
  {
    name: 'gradients of keys are those of the last block of queries',
    file: 'native/kernels/attention/attention_grad.cc',
    find: 'return query == 0 ? 0 : shape_.keys_before(query);',
    replace: 'return query < shape_.queries ? 0 : shape_.keys_before(query);',
    tests: ['test/ops/attention-kernel.test.ts'],
  },
  {
    name: 'dropout of attention draws by the keys of a block',
    file: 'native/kernels/attention/attention_scores.h',
    find: 'uniform_->fetch(row * shape_.keys + at.first_key, at.keys);',
    replace: 'uniform_->fetch(row * at.keys + at.first_key, at.keys);',
    tests: ['test/ops/attention-kernel.test.ts'],
  },
  {
    name: 'bias correction of Adam is one step behind',
    file: 'lib/optim/adam.ts',
    find: '1 / (1 - beta2 ** (step + 1))',
    replace: '1 / (1 - beta2 ** (step + 2))',
    tests: ['test/optim'],
  },
  {
    name: 'gradients are scaled up to the norm that they should be clipped to',
    file: 'lib/optim/update.ts',
    find: 'return Math.min(1, clipNorm / (norm + NORM_EPS));',
    replace: 'return clipNorm / (norm + NORM_EPS);',
    tests: ['test/optim'],
  },
];

/** @type {readonly Fault[]} */
const moreKernels = [
  {
    name: 'a running sum from the end is written from the start',
    file: 'native/kernels/reduce/cum_sum.cc',
    find: 'output[r * step] = static_cast<T>(total);',
    replace: 'output[(length_ - 1 - r) * step] = static_cast<T>(total);',
    tests: ops('cumSum'),
  },
  {
    name: 'equal elements change places when they are sorted',
    file: 'native/kernels/index/arg_sort.cc',
    find: 'x.index < y.index',
    replace: 'x.index > y.index',
    tests: ['test/ops/table.test.ts', 'test/ops', '-t', 'argSort'],
  },
  {
    name: 'scatterAddAlong overwrites instead of adding',
    file: 'native/kernels/index/take_along.cc',
    find: 'output[element] += updates[entry];',
    replace: 'output[element] = updates[entry];',
    tests: ops('scatterAddAlong'),
  },
  {
    name: 'a linear system is solved without exchanging its right side',
    file: 'native/kernels/gemm/solve.cc',
    find: 'std::swap_ranges(x + c * k_, x + (c + 1) * k_, x + pivot * k_);',
    replace: '',
    tests: ['test/ops/solve.test.ts'],
  },
];

/** @type {readonly Fault[]} */
const failures = [
  {
    name: 'native calls do not mark what they have done',
    file: 'native/napi/mark.cc',
    find: 'if (word_ != nullptr) std::atomic_ref',
    replace: 'if (value_ < 0) std::atomic_ref',
    tests: ['test/parallel/interrupted-step.test.ts'],
  },
  {
    name: 'a thread that comes last to the barrier does not see what the others wrote',
    file: 'native/sync/barrier.cc',
    find: 'arrived_.fetch_add(1, std::memory_order_acq_rel)',
    replace: 'arrived_.fetch_add(1, std::memory_order_relaxed)',
    tests: ['test/native/thread-sanitizer.test.ts'],
  },
  {
    name: 'buffers change before the step counts as begun',
    file: 'lib/parallel/worker/updater.ts',
    find: "this.#progress.set(index, step.step, 'begun');",
    replace: '',
    tests: ['test/parallel/interrupted-step.test.ts'],
  },
  {
    name: 'an interrupted step is finished with the next number of workers',
    file: 'lib/parallel/protocol/control.ts',
    find: 'Atomics.store(this.#words, ACTIVE + (step % 2), workers);',
    replace: 'this.#words.fill(workers, ACTIVE, ACTIVE + 2 + (step % 1));',
    tests: ['test/parallel/interrupted-step.test.ts'],
  },
  {
    name: 'a copy of the state that was interrupted counts as complete',
    file: 'lib/parallel/protocol/control.ts',
    find: 'if (!this.copying) return;',
    replace: 'if (this.copying || !this.copying) return;',
    tests: ['test/parallel/interrupted-step.test.ts'],
  },
  {
    name: 'a step that is skipped changes the buffers',
    file: 'lib/parallel/worker/updater.ts',
    find: 'if (!step.skip) this.#keepBuffers(index, step.program);',
    replace: 'this.#keepBuffers(index, step.program);\n    if (!step.skip) void 0;',
    tests: ['test/train/skipped-steps.test.ts'],
  },
  {
    name: 'an update of steps that are all skipped is made',
    file: 'lib/parallel/worker/updater.ts',
    find: 'turn === accumulate - 1 && weight !== 0',
    replace: 'turn === accumulate - 1',
    tests: ['test/train/skipped-steps.test.ts'],
  },
  {
    name: 'a step that is skipped counts among those that are accumulated',
    file: 'lib/parallel/worker/train-epoch.ts',
    find: "=== 'skip') return { loss: Number.NaN, weight: 0 };",
    replace: "=== 'skip') return { loss: Number.NaN, weight };",
    tests: ['test/train/skipped-steps.test.ts'],
  },
  {
    name: 'the weight of shards is that of the first alone',
    file: 'lib/parallel/worker/train-epoch.ts',
    find: 'weights += this.#shardLosses[shards + shard] as number;',
    replace: 'weights ||= this.#shardLosses[shards + shard] as number;',
    tests: ['test/train/ratios.test.ts'],
  },
  {
    name: 'accumulated steps weigh the same, however many rows they have',
    file: 'lib/parallel/worker/train-epoch.ts',
    find: 'batch.count / this.#unit;',
    replace: '1;',
    tests: ['test/train/ratios.test.ts'],
  },
  {
    name: 'states left over at the end are looked for in the wrong places',
    file: 'lib/parallel/protocol/merge-order.ts',
    find: 'Math.min(at + 2 ** (level + 1), count) <= end',
    replace: 'at + 2 ** (level + 1) <= end',
    tests: ['test/parallel/merge-order.test.ts'],
  },
  {
    name: 'a skipped update is counted by the rule',
    file: 'lib/parallel/protocol/update-count.ts',
    find: '=== 0) this.#missed++;',
    replace: '=== 0) this.#missed += 0;',
    tests: ['test/train/non-finite-gradients.test.ts', '-t', 'as if its batch'],
  },
  {
    name: 'a sum of large gradients is not judged',
    file: 'lib/parallel/worker/gradient-verdict.ts',
    find: 'return this.#judge(rank, step);',
    replace: 'return true;',
    tests: ['test/train/non-finite-gradients.test.ts', '-t', 'large that'],
  },
  {
    name: 'a product is bounded by one of its operands',
    file: 'native/kernels/gemm/matmul.cc',
    find: 'return 2.0 * static_cast<double>(k_) * a * b;',
    replace: 'return 2.0 * static_cast<double>(k_) * a + 0 * std::min(b, 0.0);',
    tests: ['test/native/largest.test.ts'],
  },
  {
    name: 'workers are started anew at a barrier that is aborted',
    file: 'lib/train/fit/session.ts',
    find: 'new Control(this.#job.control).reset();',
    replace: '',
    tests: ['test/parallel/failures.test.ts', '-t', 'end themselves go on'],
  },
  {
    name: 'a pool that is stopped twice starts threads',
    file: 'lib/parallel/prepare/pool.ts',
    find: 'this.#stopped ??= this.#stop();',
    replace: 'this.#stopped = this.#stop();',
    tests: ['test/parallel/failures.test.ts', '-t', 'stopped twice'],
  },
  {
    name: 'workers take steps in a pause',
    file: 'lib/parallel/worker/train-epoch.ts',
    find: 'this.#control.waitWhilePaused();',
    replace: '',
    tests: ['test/train/service-fit.test.ts', '-t', 'a pause'],
  },
];

export const faults = [
  ...gradientRules,
  ...loops,
  ...layers,
  ...kernels,
  ...moreKernels,
  ...engine,
  ...failures,
];
