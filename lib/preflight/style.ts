import type { BlockKind } from '../compile/plan/block-kinds.js';

/** Names of the kinds of blocks, in the order of the legend. */
export const KIND_NAMES: Readonly<Record<BlockKind, string>> = {
  kept: 'kept for the backward pass',
  recomputed: 'computed again',
  transient: 'gradients and others in passing',
  workspace: 'workspace of a kernel',
};

/** Style of the pictures, for light and dark pages. The colours of the kinds also differ in lightness. */
export const STYLE = `
.chart text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #24292f }
.chart .head { font-size: 13px; font-weight: 600 }
.chart .soft { fill: #57606a }
.chart .inline { font-size: 10px; fill: #fff; pointer-events: none }
.chart .ground { fill: #fff }
.chart .frame { fill: #f6f8fa }
.chart .grid { stroke: #d0d7de; fill: none }
.chart .kept { fill: #2f6fb5 }
.chart .recomputed { fill: #d9730d }
.chart .transient { fill: #7fb069 }
.chart .workspace { fill: #8e5ba6 }
.chart .block { stroke: #fff; stroke-width: .5 }
.chart .block:hover { stroke: #24292f; stroke-width: 1.5 }
.chart .live { stroke: #24292f; stroke-width: 1.25; fill: none; pointer-events: none }
.chart .budget { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 6 4; fill: none }
.chart .budget-name { fill: #cf222e }
.chart .point { fill: #2f6fb5 }
.chart .chosen { fill: #d9730d }
@media (prefers-color-scheme: dark) {
.chart text { fill: #e6edf3 }
.chart .soft { fill: #9198a1 }
.chart .inline { fill: #fff }
.chart .ground { fill: #0d1117 }
.chart .frame { fill: #161b22 }
.chart .grid { stroke: #30363d }
.chart .kept { fill: #4a8fdc }
.chart .recomputed { fill: #e08a35 }
.chart .transient { fill: #5d8a4a }
.chart .workspace { fill: #a678bf }
.chart .block { stroke: #161b22 }
.chart .block:hover { stroke: #e6edf3 }
.chart .live { stroke: #e6edf3 }
.chart .budget { stroke: #ff7b72 }
.chart .budget-name { fill: #ff7b72 }
.chart .point { fill: #4a8fdc }
.chart .chosen { fill: #e08a35 }
}`;
