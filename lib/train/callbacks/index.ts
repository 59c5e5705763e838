export type { Callback, FitEnd, FitView } from './callback.js';
export { deadline } from './deadline.js';
export { type EarlyStoppingOptions, earlyStopping } from './early-stopping.js';
export { type HistoryOptions, history } from './history.js';
export { type KeepBestOptions, keepBest } from './keep-best.js';
export type { MonitorOptions } from './monitor.js';
