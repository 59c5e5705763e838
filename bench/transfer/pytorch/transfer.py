"""PyTorch's side of `npm run bench -- transfer`.

    transfer.py record FOLDER MODEL...  writes state dicts, and what PyTorch answers and learns from them
    transfer.py check FOLDER MODEL...   reads the files that chainrule has written; a line of JSON for each model
"""

import json
import struct
import sys
from pathlib import Path

import torch

from cases import FULL, logits, pretrained, tuned

PRETRAINING = 100
CODES = {torch.float32: 'F32', torch.float64: 'F64', torch.int64: 'I64'}
DTYPES = {'float32': torch.float32, 'float64': torch.float64}


def write(path, tensors):
    """A safetensors file, without the package of that name."""
    header, data = {}, []
    end = 0
    for name, tensor in tensors.items():
        stored = tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        place = [end, end + len(stored)]
        header[name] = {'dtype': CODES[tensor.dtype], 'shape': list(tensor.shape), 'data_offsets': place}
        data.append(stored)
        end += len(stored)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(data))


def read(path):
    stored = path.read_bytes()
    (length,) = struct.unpack('<Q', stored[:8])
    header, dtypes = json.loads(stored[8 : 8 + length]), {code: dtype for dtype, code in CODES.items()}
    tensors = {}
    for name, entry in header.items():
        if name != '__metadata__':
            begin, end = (8 + length + offset for offset in entry['data_offsets'])
            part = torch.frombuffer(bytearray(stored[begin:end]), dtype=dtypes[entry['dtype']])
            tensors[name] = part.reshape(entry['shape'])
    return tensors


def original(folder, name):
    case = FULL[name]
    path = folder / f'{name}.{case.suffix}'
    return torch.load(path, weights_only=True) if case.suffix == 'pt' else read(path)


def record(folder, name):
    case = FULL[name]
    torch.manual_seed(0)
    state = pretrained(case, PRETRAINING).state_dict()
    path = folder / f'{name}.{case.suffix}'
    torch.save(state, path) if case.suffix == 'pt' else write(path, state)
    for suffix, dtype in DTYPES.items():
        model = case.model()
        model.load_state_dict(original(folder, name), strict=True)
        model.to(dtype)
        expected = {'logits': logits(model, case)}
        expected['losses'] = torch.tensor(tuned(model, case), dtype=torch.float64)
        tensors = {key: value for key, value in model.state_dict().items() if value.is_floating_point()}
        write(folder / f'{name}.{suffix}.expected.safetensors', expected)
        write(folder / f'{name}.{suffix}.after.safetensors', tensors)
    return {'parameters': sum(p.numel() for p in model.parameters())}


def check(folder, name):
    case = FULL[name]
    before, again = original(folder, name), read(folder / f'{name}.again.safetensors')
    floats = {key: value for key, value in before.items() if value.is_floating_point()}
    same = [key for key, value in floats.items() if key in again and torch.equal(bits(value), bits(again[key]))]
    model = case.model()
    for state in [again, read(folder / f'{name}.tuned.safetensors')]:
        model.load_state_dict(state, strict=True)
    write(folder / f'{name}.back.safetensors', {'logits': logits(model, case)})
    return {'tensors': len(floats), 'written': len(again), 'same': len(same)}


def bits(tensor):
    return tensor.contiguous().view(torch.int32)


def main():
    command, folder, *names = sys.argv[1:]
    torch.set_num_threads(1)
    version = torch.__version__.split('+')[0]
    for name in names:
        answer = {'record': record, 'check': check}[command](Path(folder), name)
        print(json.dumps({'name': name, 'version': version, **answer}), flush=True)


main()
