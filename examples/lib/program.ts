import { pathToFileURL } from 'node:url';

/** Runs `main` when the file of this URL is what Node was started with, and not when it is imported. */
export async function runAsProgram(url: string, main: () => Promise<void>): Promise<void> {
  if (url === pathToFileURL(process.argv[1] ?? '').href) await main();
}
