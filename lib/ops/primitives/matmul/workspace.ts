// The native product packs what it cannot read in place. It says how in native/kernels/gemm/gemm_blocks.h, and leaves a
// product to the BLAS whose workspace is smaller than what it needs.

/** The longest vector and the widest panel of any instruction set, in elements. */
const [VECTOR, PANEL] = [16, 64];
/** The most elements of packed panels, half a megabyte of float32, and the rows that are packed at a time. */
const [PANEL_ELEMENTS, ROWS] = [131072, 128];
/** How many terms of the sums a pass takes: without packing, and with a panel that is transposed. */
const [DEPTH, LONG_DEPTH] = [512, 1024];
/** Multiplications up to which the BLAS is as good where nothing needs to be transposed. */
const SMALL = 1_000_000;

interface Sizes {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** Scratch elements of a product whose sides are stored as they are given, or transposed. */
export function matmulWorkspace(
  { rows: m, columns: n, inner: k }: Sizes,
  transposeA: boolean,
  transposeB: boolean,
): number {
  if (Math.min(m, n, k) < VECTOR) return 0;
  const alongA = !transposeA;
  const turned = transposeB && (transposeA || n * k > m * (k + n * Math.ceil(k / LONG_DEPTH)));
  const [rows, columns] = turned ? [n, m] : [m, n];
  const panelAlong = turned ? alongA : transposeB;
  const packsRows = !turned && transposeA && rows >= 1024;
  const packsPanel = panelAlong || (rows >= 512 && columns >= 1024);
  const whole = Math.ceil(columns / VECTOR) * VECTOR;
  if (4 * columns < 3 * whole || (!panelAlong && m * n * k <= SMALL)) return 0;
  const depth = Math.min(k, panelAlong ? LONG_DEPTH : packsRows ? DEPTH / 2 : DEPTH);
  const last = whole === columns ? 0 : Math.min(whole, PANEL);
  const width = packsPanel ? Math.min(whole, Math.floor(PANEL_ELEMENTS / depth / PANEL) * PANEL) : last;
  return depth * (width + (packsRows ? ROWS : 0));
}
