import { invalid } from '../../graph/errors.js';
import { firstNames, shortened } from '../../text/names.js';
import { TorchTensor } from './tensor.js';

/** Where people put the state dict of a model, in a checkpoint with more in it. */
const PLACES = ['state_dict', 'model_state_dict', 'model'];
/** What modules may keep beside their tensors. */
const EXTRA_STATE = '_extra_state';
const MOST_DEPTH = 100;
const LONGEST_NAME = 1000;

/**
 * The tensors of a state dict by name: of the dict that was saved if it holds nothing else, otherwise of the one in it
 * under a usual key. Names in nested dicts are joined by dots.
 *
 * @param label what errors begin with
 * @param key the key of the state dict, where it is not a usual one
 * @param most dicts and tensors that can be without the same dict in many places
 */
export function stateDictOf(
  label: string,
  root: unknown,
  key: string | undefined,
  most: number,
): ReadonlyMap<string, TorchTensor> {
  if (!(root instanceof Map))
    throw invalid(label, 'must be a dict, as torch.save(model.state_dict(), path) saves it');
  if (key === undefined && holdsTensorsAlone(root)) return flattened(label, root, most);
  const found = (key === undefined ? PLACES : [key]).find((place) => root.get(place) instanceof Map);
  if (found === undefined) {
    const places = key ?? `${PLACES.slice(0, -1).join(', ')} or ${PLACES.at(-1)}`;
    const keys =
      firstNames([...root.keys()].filter((one) => typeof one === 'string').map(shortened)) || 'none';
    throw invalid(
      label,
      `holds no state dict, neither alone nor under the key ${places}; its keys are ${keys}`,
    );
  }
  return flattened(`${label}: ${found}`, root.get(found), most);
}

/** True for a dict of tensors, or of such dicts, with a tensor in it. */
function holdsTensorsAlone(root: ReadonlyMap<unknown, unknown>): boolean {
  const seen = new Set<unknown>([root]);
  let tensors = 0;
  for (const dict of seen) {
    for (const [key, value] of dict as ReadonlyMap<unknown, unknown>) {
      if (value instanceof TorchTensor) tensors++;
      else if (value instanceof Map) seen.add(value);
      else if (!isLeftOut(key, value)) return false;
    }
  }
  return tensors > 0;
}

function isLeftOut(key: unknown, value: unknown): boolean {
  return (
    value === null || key === EXTRA_STATE || (typeof key === 'string' && key.endsWith(`.${EXTRA_STATE}`))
  );
}

function flattened(
  label: string,
  root: ReadonlyMap<unknown, unknown>,
  most: number,
): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  let visited = 0;

  function add(dict: ReadonlyMap<unknown, unknown>, prefix: string, depth: number): void {
    if (depth > MOST_DEPTH) throw invalid(label, `dicts are nested in more than ${MOST_DEPTH} levels`);
    for (const [key, value] of dict) {
      if (++visited > most) throw invalid(label, 'the same dicts stand in it too often');
      if (typeof key !== 'string' && typeof key !== 'number')
        throw invalid(label, 'the names of tensors must be text or integers', key);
      const name = `${prefix}${key}`;
      if (name.length > LONGEST_NAME)
        throw invalid(label, `the name of a tensor may have ${LONGEST_NAME} characters`, name.length);
      if (value instanceof Map) add(value, `${name}.`, depth + 1);
      else if (value instanceof TorchTensor) {
        if (tensors.has(name)) throw invalid(label, 'has two tensors of one name', name);
        tensors.set(name, value);
      } else if (!isLeftOut(key, value)) throw invalid(label, `${shortened(name)} must be a tensor`, value);
    }
  }

  add(root, '', 0);
  return tensors;
}
