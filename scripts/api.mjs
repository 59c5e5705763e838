// `npm run api`: writes docs/api-report.md, the declarations of everything public. `npm test` compares it with the code, so
// that a change of the API is seen: commit the new report with it, and name a breaking one in CHANGELOG.md.
import { writeFileSync } from 'node:fs';
import { report } from './setup/run.mjs';
import { setUp } from './setup.mjs';

try {
  if (await setUp({ addon: false })) {
    const { apiReport, reportPath } = await import('./release/types.mjs');
    writeFileSync(reportPath, apiReport());
  } else process.exitCode = 1;
} catch (error) {
  report(error);
  process.exitCode = 1;
}
