import { describe, expect, it } from 'vitest';
import { allFacts, PEOPLE, RELATIONS, relatives } from '#examples/lib/family-tree.js';
import { learnFamilyTrees } from '#examples/rumelhart-family-tree.js';

describe('the family trees (Rumelhart, Hinton & Williams 1986)', () => {
  it('are 24 people, 12 relations and 104 facts, of 112 triples', () => {
    const facts = allFacts();
    expect(new Set(PEOPLE).size).toBe(24);
    expect(RELATIONS).toHaveLength(12);
    expect(facts).toHaveLength(104);
    expect(facts.flatMap(({ answers }) => answers)).toHaveLength(112);
    const perRelation = RELATIONS.map(
      (relation) => facts.filter((fact) => fact.relation === relation).length,
    );
    expect(perRelation).toEqual([12, 12, 10, 10, 12, 12, 4, 4, 6, 6, 8, 8]);
  });

  it('say what the paper says of them', () => {
    expect(relatives('Colin', 'aunt').sort()).toEqual(['Jennifer', 'Margaret']);
    expect(relatives('Sophia', 'uncle').sort()).toEqual(['Emilio', 'Tomaso']);
    expect(relatives('Charles', 'niece')).toEqual(['Charlotte']);
    expect(relatives('Christopher', 'wife')).toEqual(['Penelope']);
    expect(relatives('Margaret', 'father')).toEqual([]);
  });

  it('are isomorphic: a person of one and the same place of the other have the same relatives', () => {
    const place = (person: string) => PEOPLE.indexOf(person);
    for (const relation of RELATIONS) {
      for (let i = 0; i < 12; i++) {
        const [english, italian] = [PEOPLE[i] as string, PEOPLE[i + 12] as string];
        const moved = relatives(english, relation).map((person) => place(person) + 12);
        expect(relatives(italian, relation).map(place)).toEqual(moved);
      }
    }
  });

  it('are learned, with an answer to half of the facts that were held out', async () => {
    const networks = await learnFamilyTrees({ networks: 4 });
    const heldOut = networks.map((network) => JSON.stringify(network.heldOut));
    expect(new Set(heldOut).size).toBe(4);
    for (const network of networks) {
      expect(new Set(network.heldOut).size).toBe(4);
      expect(network.trained).toBeGreaterThanOrEqual(98);
      expect(network.ranked).toBeGreaterThanOrEqual(network.right);
    }
    // By chance, one fact in hundreds would come right.
    expect(networks.reduce((sum, { right }) => sum + right, 0)).toBeGreaterThanOrEqual(6);
  });

  it('are not known before they are learned', async () => {
    const [network] = await learnFamilyTrees({ networks: 1, sweeps: 1 });
    expect(network).toMatchObject({ trained: 0, right: 0 });
  });
});
