import { pathToFileURL } from 'node:url';

/** Runs `main` if Node was started with the file of this URL, and not if it is imported. */
export async function runAsProgram(url: string, main: () => Promise<void>): Promise<void> {
  if (url === pathToFileURL(process.argv[1] ?? '').href) await main();
}
