import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { apiReport, reportPath } from '../../scripts/release/types.mjs';

it('the public API is the one of docs/api-report.md; after a change that is meant, run `npm run api`', () => {
  expect(apiReport()).toBe(readFileSync(reportPath, 'utf8'));
}, 120_000);
