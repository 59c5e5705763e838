/** True for a plain object. Judged by the name of its class, because it may come from another realm. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return name === undefined || name === 'Object';
}
