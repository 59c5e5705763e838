/** The actions that read each value in an order in which every action runs once, in ascending order. */
export type Readers = readonly (readonly number[])[];

/** Lists the readers of each value. */
export function readersOf(reads: readonly (readonly number[])[], values: number): Readers {
  const readers = Array.from({ length: values }, (): number[] => []);
  reads.forEach((own, action) => {
    for (const value of own) readers[value]?.push(action);
  });
  return readers;
}

/** The last reader of a value before an action; -1 if there is none. */
export function lastReader(readers: Readers, value: number, before = Number.POSITIVE_INFINITY): number {
  return readers[value]?.findLast((action) => action < before) ?? -1;
}

/** The first reader of a value from an action on; -1 if there is none. */
export function firstReader(readers: Readers, value: number, from: number): number {
  return readers[value]?.find((action) => action >= from) ?? -1;
}
