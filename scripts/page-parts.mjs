// Parts of a page that a script measures: each is printed, and with --write put between its marks in the page.
import { readFileSync, writeFileSync } from 'node:fs';
import { report } from './setup/run.mjs';
import { setUp } from './setup.mjs';

/**
 * Measures the parts that the command line names, or all of them. Ignores arguments after `--`.
 *
 * @param {string} page a file with the marks `<!-- name -->` and `<!-- /name -->` of each part
 * @param {Record<string, () => Promise<string>>} parts
 */
export async function runParts(page, parts) {
  try {
    const args = process.argv.slice(2);
    const names = args.filter((arg) => arg !== '--write');
    const unknown = names.find((name) => !Object.hasOwn(parts, name));
    if (unknown) throw new Error(`there is no part ${unknown}; there are ${Object.keys(parts).join(', ')}`);
    if (!(await setUp())) process.exit(1);
    for (const name of names.length > 0 ? names : Object.keys(parts)) {
      const content = await parts[name]?.();
      console.log(`${content}\n`);
      if (content !== undefined && args.includes('--write'))
        writeFileSync(page, withPart(page, readFileSync(page, 'utf8'), name, content));
    }
  } catch (error) {
    report(error);
    process.exitCode = 1;
  }
}

/**
 * The text of a part, without the marks around it.
 *
 * @param {string} page
 * @param {string} text
 * @param {string} name
 */
export function partOf(page, text, name) {
  const [begin, end] = marksOf(page, text, name);
  return text.slice(text.indexOf(begin) + begin.length, text.indexOf(end)).trim();
}

/**
 * @param {string} page
 * @param {string} text
 * @param {string} name
 */
function marksOf(page, text, name) {
  const marks = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  if (!marks.every((mark) => text.includes(mark)))
    throw new Error(`${page} has no ${marks[0]} ... ${marks[1]}`);
  return /** @type {[string, string]} */ (marks);
}

/**
 * Puts the text of a part between its marks.
 *
 * @param {string} page
 * @param {string} text
 * @param {string} name
 * @param {string} content
 */
export function withPart(page, text, name, content) {
  const [begin, end] = marksOf(page, text, name);
  return `${text.slice(0, text.indexOf(begin) + begin.length)}\n${content}\n\n${text.slice(text.indexOf(end))}`;
}
