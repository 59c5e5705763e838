import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { platforms } from '#lib/runtime/loader/platforms.js';
import { billOfMaterials, linkedComponents, npmComponents } from '../../../scripts/release/components.mjs';
import { absoluteLinks } from '../../../scripts/release/packages.mjs';
import { recipes } from '../../../scripts/release/recipes.mjs';

const { homepage, version } = JSON.parse(readFileSync('package.json', 'utf8'));

it('links to what is not in the package lead to the repository as of this version', () => {
  const there = `${homepage}/blob/v${version}`;
  const page = '[a](docs/data.md#rows) [b](examples/mnist.ts#top) [c](#measured) ![d](docs/soak.svg)';
  expect(absoluteLinks('README.md', page)).toBe(page.replace('examples', `${there}/examples`));
  const deeper = '[a](data.md) [b](../CONTRIBUTING.md) [c](../CHANGELOG.md) [d](https://x.org)';
  expect(absoluteLinks('docs/b.md', deeper)).toBe(deeper.replace('../CONTRIBUTING', `${there}/CONTRIBUTING`));
});

it('every platform that has a package has a recipe, with its files', () => {
  expect(Object.keys(recipes).sort()).toEqual(Object.keys(platforms).sort());
  for (const { toolchain } of Object.values(recipes)) {
    if (toolchain) expect(existsSync(`native/toolchains/${toolchain}`), toolchain).toBe(true);
  }
});

describe('what others wrote of the packages', () => {
  const bundled = npmComponents(['commander', 'leven', 'pend', 'yauzl']);

  it('comes with its licence', async () => {
    for (const { name, licence, text } of [
      ...bundled,
      ...(await linkedComponents({ linked: ['openblas', 'gcc', 'llvm', 'zig'] })),
    ]) {
      expect(text.length, name).toBeGreaterThan(500);
      expect(licence, name).toMatch(
        /^(MIT|BSD-3-Clause|GPL-3.0-or-later WITH GCC-exception-3.1|Apache-2.0 WITH LLVM-exception|ZPL-2.1 AND .*)$/,
      );
    }
  });

  it('is in the bill of materials once, with all that depends on it', async () => {
    const linked = await linkedComponents({ linked: ['openblas', 'gcc'] });
    const packages = [
      { name: 'chainrule', version, purl: 'pkg:npm/chainrule@1', parts: bundled },
      { name: '@chainrule/a', version, purl: 'pkg:npm/%40chainrule/a@1', parts: linked },
      { name: '@chainrule/b', version, purl: 'pkg:npm/%40chainrule/b@1', parts: linked },
    ];
    const bom = billOfMaterials(packages, npmComponents(['piscina']), '2026-01-01T00:00:00.000Z');
    const references = [bom.metadata.component, ...bom.components].map((component) => component['bom-ref']);
    expect(new Set(references).size).toBe(references.length);
    expect(references.length).toBe(4 + bundled.length + linked.length);
    for (const { ref, dependsOn } of bom.dependencies)
      for (const one of [ref, ...dependsOn]) expect(references).toContain(one);
  });
});
