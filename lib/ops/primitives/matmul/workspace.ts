// The native product packs the operands that it cannot read in place. native/kernels/gemm/gemm_blocks.h sets the
// rules, and leaves a product to the BLAS if its workspace is smaller than needed.

/** The longest vector and the widest panel of any instruction set, in elements. */
const [VECTOR, PANEL] = [16, 64];
/** The maximum number of elements of packed panels, half a megabyte of float32, and of rows packed at a time. */
const [PANEL_ELEMENTS, ROWS] = [131072, 128];
/** Terms of the sums per pass: without packing, and with a transposed panel. */
const [DEPTH, LONG_DEPTH] = [512, 1024];
/** Multiplications up to which the BLAS is as fast, if nothing needs to be transposed. */
const SMALL = 1_000_000;

interface Sizes {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** Workspace of a product whose operands are stored as given or transposed, in elements. */
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
