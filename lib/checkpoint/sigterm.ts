const stops = new Set<() => void>();
let raiseAgain = false;

/**
 * Calls a function at SIGTERM, until what is returned is called. When the last of these ends after a signal that nobody else
 * listened for, the signal is raised again, now with its usual effect: the process ends.
 */
export function onSigterm(stop: () => void): () => void {
  // First in line, because a listener that is to be called once is gone when the next one is called.
  if (stops.size === 0) process.prependListener('SIGTERM', handle);
  stops.add(stop);
  return () => {
    stops.delete(stop);
    if (stops.size > 0) return;
    process.removeListener('SIGTERM', handle);
    if (!raiseAgain) return;
    raiseAgain = false;
    process.kill(process.pid, 'SIGTERM');
  };
}

function handle(): void {
  raiseAgain ||= process.listenerCount('SIGTERM') === 1;
  for (const stop of [...stops]) stop();
}
