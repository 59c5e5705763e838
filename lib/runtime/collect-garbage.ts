/**
 * Collects garbage, such as the data of a compilation, and returns its memory to the system. The engine would do so only
 * when its heap is full, but a memory budget is for the whole process.
 *
 * A session of the inspector asks for it, since it needs neither a flag of the engine nor a port. Node.js refuses
 * sessions under its permission model; then the engine collects when it sees fit.
 */
export async function collectGarbage(): Promise<void> {
  // Loaded lazily, because Node.js may be built without it.
  const inspector = await import('node:inspector').catch(() => undefined);
  if (!inspector) return;
  const session = new inspector.Session();
  try {
    session.connect();
  } catch {
    return;
  }
  try {
    await new Promise<void>((resolve) => session.post('HeapProfiler.collectGarbage', () => resolve()));
  } finally {
    session.disconnect();
  }
}
