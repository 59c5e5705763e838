/** Relations between two people of a family. */
export const RELATIONS = [
  'father',
  'mother',
  'husband',
  'wife',
  'son',
  'daughter',
  'uncle',
  'aunt',
  'brother',
  'sister',
  'nephew',
  'niece',
] as const;

export type Relation = (typeof RELATIONS)[number];

/** A couple and its children. The first of a couple is the man. */
interface Household {
  readonly parents: readonly [man: string, woman: string];
  readonly sons: readonly string[];
  readonly daughters: readonly string[];
}

/** The two trees of figure 2 of Rumelhart, Hinton & Williams (1986), which differ in names only. */
const FAMILIES: readonly (readonly Household[])[] = [
  [
    { parents: ['Christopher', 'Penelope'], sons: ['Arthur'], daughters: ['Victoria'] },
    { parents: ['Andrew', 'Christine'], sons: ['James'], daughters: ['Jennifer'] },
    { parents: ['Arthur', 'Margaret'], sons: [], daughters: [] },
    { parents: ['James', 'Victoria'], sons: ['Colin'], daughters: ['Charlotte'] },
    { parents: ['Charles', 'Jennifer'], sons: [], daughters: [] },
  ],
  [
    { parents: ['Roberto', 'Maria'], sons: ['Emilio'], daughters: ['Lucia'] },
    { parents: ['Pierro', 'Francesca'], sons: ['Marco'], daughters: ['Angela'] },
    { parents: ['Emilio', 'Gina'], sons: [], daughters: [] },
    { parents: ['Marco', 'Lucia'], sons: ['Alfonso'], daughters: ['Sophia'] },
    { parents: ['Tomaso', 'Angela'], sons: [], daughters: [] },
  ],
];

/** Everybody, one family after the other; a person's position is the same in both. */
export const PEOPLE: readonly string[] = FAMILIES.flatMap((households) => [
  ...new Set(households.flatMap(({ parents, sons, daughters }) => [...parents, ...sons, ...daughters])),
]);

/** "The <relation> of <person> is one of <answers>." All answers are right. */
export interface Fact {
  readonly person: string;
  readonly relation: Relation;
  readonly answers: readonly string[];
}

/** All 104 facts of the two trees. Uncles and aunts by marriage count, as in the paper. */
export function allFacts(): Fact[] {
  return PEOPLE.flatMap((person) =>
    RELATIONS.map((relation) => ({ person, relation, answers: relatives(person, relation) })),
  ).filter(({ answers }) => answers.length > 0);
}

const households = FAMILIES.flat();
const men = new Set(households.flatMap(({ parents, sons }) => [parents[0], ...sons]));

const male = (people: readonly string[]) => people.filter((person) => men.has(person));
const female = (people: readonly string[]) => people.filter((person) => !men.has(person));

const childrenIn = ({ sons, daughters }: Household) => [...sons, ...daughters];

const parentsOf = (person: string): readonly string[] =>
  households.find((household) => childrenIn(household).includes(person))?.parents ?? [];

const ownHousehold = (person: string) => households.find(({ parents }) => parents.includes(person));

const spousesOf = (person: string): string[] =>
  ownHousehold(person)?.parents.filter((other) => other !== person) ?? [];

const childrenOf = (person: string): string[] => {
  const household = ownHousehold(person);
  return household ? childrenIn(household) : [];
};

const siblingsOf = (person: string): string[] =>
  households
    .map(childrenIn)
    .find((children) => children.includes(person))
    ?.filter((other) => other !== person) ?? [];

/** The siblings of both parents, with their wives and husbands. */
const unclesAndAuntsOf = (person: string): string[] =>
  parentsOf(person)
    .flatMap(siblingsOf)
    .flatMap((sibling) => [sibling, ...spousesOf(sibling)]);

/** The children of one's own and one's spouse's siblings. */
const nephewsAndNiecesOf = (person: string): string[] =>
  [person, ...spousesOf(person)].flatMap(siblingsOf).flatMap(childrenOf);

const rules: Readonly<Record<Relation, (person: string) => string[]>> = {
  father: (person) => male(parentsOf(person)),
  mother: (person) => female(parentsOf(person)),
  husband: (person) => male(spousesOf(person)),
  wife: (person) => female(spousesOf(person)),
  son: (person) => male(childrenOf(person)),
  daughter: (person) => female(childrenOf(person)),
  uncle: (person) => male(unclesAndAuntsOf(person)),
  aunt: (person) => female(unclesAndAuntsOf(person)),
  brother: (person) => male(siblingsOf(person)),
  sister: (person) => female(siblingsOf(person)),
  nephew: (person) => male(nephewsAndNiecesOf(person)),
  niece: (person) => female(nephewsAndNiecesOf(person)),
};

/** All people in a relation to a person: `relatives('Colin', 'aunt')` are Jennifer and Margaret. */
export function relatives(person: string, relation: Relation): string[] {
  return rules[relation](person);
}
