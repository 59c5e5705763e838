// The declarations of the public API: one file for users, and the report in which a change of it is seen.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { root, SetupError } from '../setup/run.mjs';

/** The report of the public API, as it was last agreed on. */
export const reportPath = join(root, 'docs/api-report.md');

const scratch = join(root, 'build/types');
const declarations = join(scratch, 'index.d.ts');
const report = join(scratch, 'report/chainrule.api.md');

/**
 * Writes the declarations of all that programs import into `dist`: for `require`, and for `import` the same ones, as both have
 * one copy of everything.
 */
export async function rollUpTypes(/** @type {string} */ dist) {
  extract();
  const text = `/// <reference lib="esnext.disposable" />\n${readFileSync(declarations, 'utf8')}${augmentations()}`;
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, 'index.d.ts'), text);
  writeFileSync(join(dist, 'index.d.mts'), "export * from './index.js';\n");
}

/** The methods that other modules give to tensors. The extractor leaves them out, as it does each `declare module`. */
function augmentations() {
  const folder = join(root, 'dist/lib');
  const lines = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.d.ts'))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(
        /^ {4}interface Tensor<A> extends (\w+) \{\s*\}/gm,
      ),
    ])
    .map(([, methods]) => `export declare interface Tensor<A = unknown> extends ${methods} {}\n`);
  if (lines.length === 0) throw new SetupError('The methods of tensors are not where they were.');
  return lines.sort().join('');
}

/** The report for the compiled declarations of now. */
export function apiReport() {
  extract();
  return readFileSync(report, 'utf8').replace(
    /^## .*\n\n> .*\n/,
    '# The public API\n\nWritten by `npm run api`.\n',
  );
}

function extract() {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(join(scratch, 'report'), { recursive: true });
  const entry = join(root, 'dist/lib/index.d.ts');
  // The tool's own reader of package.json wants a name and a folder only.
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      newlineKind: 'lf',
      mainEntryPointFilePath: entry,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: 'nodenext',
            moduleResolution: 'nodenext',
            target: 'es2023',
            lib: ['es2023', 'esnext.disposable'],
            strict: true,
            types: [],
          },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: join(scratch, 'report'),
        reportTempFolder: join(scratch, 'temp'),
        reportFileName: 'chainrule.api.md',
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: true, untrimmedFilePath: declarations },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  /** @type {string[]} */
  const errors = [];
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      if (message.logLevel === ExtractorLogLevel.Error) errors.push(message.text);
      message.handled = true;
    },
  });
  if (!succeeded || errors.length > 0)
    throw new SetupError('The declarations of the public API cannot be read.', { output: errors.join('\n') });
}
