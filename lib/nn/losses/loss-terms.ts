/** What a loss adds up: the sums of each of several losses, with the factor by which it counts. */
export class LossTerms {
  constructor(
    readonly terms: readonly { readonly name: string; readonly factor: number; readonly result: unknown }[],
  ) {}
}
