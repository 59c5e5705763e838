// `npm pack` and `npm publish` run this first. The published packages have other contents than this folder.
console.error('The packages are built by: npm run release -- --dry-run');
process.exitCode = 1;
