import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { errorCodes } from '#lib/graph/error-codes.js';

it('the page of the errors lists the codes, and what each says', async () => {
  const page = await readFile('docs/errors.md', 'utf8');
  const rows = [...page.matchAll(/^\| `(ERR_\w+)` \| (.*) \|$/gm)].map(([, code, says]) => [code, says]);
  expect(rows).toEqual(Object.entries(errorCodes));
});
