// Types of web standards that our declarations mention. A program that compiles against them may have the originals from
// the DOM, from @types/node, or not at all; each original is assignable to the type here.

/** What tells an operation to stop: an `AbortSignal`, as of an `AbortController`. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The URL of a file: a `URL`. */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
}
