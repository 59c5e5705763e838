import { expect, it } from 'vitest';
import { newer, versionedSymbols } from '../../../scripts/release/glibc.mjs';

it('compares versions part by part', () => {
  expect(newer('2.10', '2.9')).toBe(true);
  expect(newer('2.2.5', '2.2')).toBe(true);
  expect(newer('2.28', '2.28')).toBe(false);
  expect(newer('2.3', '2.28')).toBe(false);
});

it('takes of each symbol the newest version that the oldest glibc has', () => {
  // As `readelf -W --dyn-syms` prints them.
  const table = `
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     1: 0000000000000000     0 OBJECT  GLOBAL DEFAULT  ABS GLIBC_2.2.5
    10: 00000000000a0010    57 FUNC    GLOBAL DEFAULT   15 memcpy@@GLIBC_2.14
    11: 00000000000a0020    57 FUNC    GLOBAL DEFAULT   15 memcpy@GLIBC_2.2.5
    12: 0000000000089b70   700 FUNC    GLOBAL DEFAULT   15 pthread_create@@GLIBC_2.34
    13: 0000000000089b70   700 FUNC    GLOBAL DEFAULT   15 pthread_create@GLIBC_2.2.5
    14: 0000000000040000    20 FUNC    GLOBAL DEFAULT   15 arc4random@@GLIBC_2.36
    15: 00000000001d4a80     8 OBJECT  WEAK   DEFAULT   34 environ@@GLIBC_2.2.5
    16: 0000000000000010     4 TLS     GLOBAL DEFAULT   27 errno@@GLIBC_PRIVATE
    17: 0000000000017a30   345 IFUNC   GLOBAL DEFAULT   15 expf@@GLIBC_2.27
`;
  expect(versionedSymbols(table)).toEqual([
    { name: 'memcpy', version: '2.14', data: false },
    { name: 'pthread_create', version: '2.2.5', data: false },
    { name: 'environ', version: '2.2.5', data: true },
    { name: 'expf', version: '2.27', data: false },
  ]);
});
