import { execFileSync } from 'node:child_process';

/** A function of a library for x86-64, disassembled. */
export interface MachineFunction {
  readonly section: string;
  readonly name: string;
  readonly instructions: readonly string[];
  /** Addresses of the first instruction and of the last. */
  readonly first: number;
  readonly last: number;
}

/** The functions of a library, in the order of their addresses. */
export function disassemble(path: string): MachineFunction[] {
  const args = ['--disassemble', '--no-show-raw-insn', path];
  const listing = execFileSync('objdump', args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  return listing.split('\nDisassembly of section ').slice(1).flatMap(functionsOfSection);
}

/** @param text the section's name, a colon, and a paragraph for each function */
function functionsOfSection(text: string): MachineFunction[] {
  const [heading = '', ...paragraphs] = text.trimEnd().split('\n\n');
  const section = heading.slice(0, -1);
  return paragraphs.map((paragraph) => {
    const name = /<(.*)>:/.exec(paragraph)?.[1] ?? '';
    const lines = [...paragraph.matchAll(/^ *([0-9a-f]+):\t(.*)$/gm)];
    const addresses = lines.map(([, address = '']) => Number.parseInt(address, 16));
    const instructions = lines.map(([, , instruction = '']) => instruction);
    return { section, name, instructions, first: addresses.at(0) ?? 0, last: addresses.at(-1) ?? 0 };
  });
}

// Wide and high registers, masks, and instructions that exist only in AVX-512, on registers of any width.
const avx512 =
  /%zmm|%k[0-7]|%[xy]mm(1[6-9]|2\d|3[01])|^v(?:pternlog|perm[it]2|rndscale|scalef|getexp|getmant|range|reduce|fpclass|fixupimm|p?blendm|p?compress|p?expand|pconflict|plzcnt|dbpsadbw|valign|rcp14|rsqrt14)/;
const avx = /^v|%[yz]mm|%k[0-7]/; // The names of AVX instructions begin with v, as do none else in programs.

function forbidden(section: string): RegExp | undefined {
  if (section === '.avx512') return undefined;
  return section === '.avx2' ? avx512 : avx;
}

/** Functions with an instruction that has no place in their section: section, function and the first such instruction. */
export function misplaced(functions: readonly MachineFunction[]): string[] {
  return functions.flatMap(({ section, name, instructions }) => {
    const found = instructions.find((instruction) => forbidden(section)?.test(instruction));
    return found === undefined ? [] : [`${section}: ${name}: ${found}`];
  });
}

/** The places in a section that code of other sections calls, or takes the address of, by name. */
export function entries(functions: readonly MachineFunction[], section: string): string[] {
  const inside = functions.filter((one) => one.section === section);
  const first = inside.at(0)?.first ?? 0;
  const last = inside.at(-1)?.last ?? 0;
  const names = new Set<string>();
  for (const { instructions } of functions.filter((one) => one.section !== section))
    for (const instruction of instructions) {
      const [, address = '', name = ''] = /(?:^(?:call|j\w+) +|# )([0-9a-f]+) <(.*)>/.exec(instruction) ?? [];
      const at = Number.parseInt(address, 16);
      if (first <= at && at <= last) names.add(name);
    }
  return [...names];
}
