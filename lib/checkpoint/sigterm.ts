const stops = new Set<() => void>();
let raiseAgain = false;

/**
 * Calls `stop` at SIGTERM until the returned function is called. If the signal arrived without any other listener, it
 * is raised again once all such registrations have ended, now with its usual effect: the process ends.
 */
export function onSigterm(stop: () => void): () => void {
  // Prepended, because a `once` listener that was called earlier would no longer be counted.
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
