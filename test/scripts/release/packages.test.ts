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

it('every recipe is for a platform that has a package, with its files', () => {
  for (const [name, { toolchain }] of Object.entries(recipes)) {
    expect(platforms).toHaveProperty([name]);
    if (toolchain) expect(existsSync(`native/toolchains/${toolchain}`), toolchain).toBe(true);
  }
});

describe('what others wrote of the packages', () => {
  const bundled = npmComponents(['commander', 'leven', 'pend', 'yauzl']);

  it('comes with its licence', () => {
    for (const { name, licence, text } of [
      ...bundled,
      ...linkedComponents(['openblas', 'gcc', 'mingw', 'llvm', 'zig']),
    ]) {
      expect(text.length, name).toBeGreaterThan(500);
      expect(licence, name).toMatch(
        /^(MIT|BSD-3-Clause|GPL-3.0-or-later WITH GCC-exception-3.1|Apache-2.0 WITH LLVM-exception|ZPL-2.1 AND .*)$/,
      );
    }
  });

  it('is in the bill of materials once, with all that depends on it', () => {
    const linked = linkedComponents(['openblas', 'gcc']);
    const packages = [
      { name: 'chainrule', version, purl: 'pkg:npm/chainrule@1', parts: bundled },
      { name: '@chainrule/a', version, purl: 'pkg:npm/%40chainrule/a@1', parts: linked },
      { name: '@chainrule/b', version, purl: 'pkg:npm/%40chainrule/b@1', parts: linked },
    ];
    const bom = billOfMaterials(packages, '2026-01-01T00:00:00.000Z');
    const references = [bom.metadata.component, ...bom.components].map((component) => component['bom-ref']);
    expect(new Set(references).size).toBe(references.length);
    expect(references.length).toBe(3 + bundled.length + linked.length);
    for (const { ref, dependsOn } of bom.dependencies)
      for (const one of [ref, ...dependsOn]) expect(references).toContain(one);
  });
});
