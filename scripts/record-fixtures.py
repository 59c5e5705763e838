"""Records what PyTorch 2.13 computes into test/fixtures, for the tests to compare with, and of metrics what scikit-learn
computes. The tests need no Python.

    python3 -m venv .venv
    PIP_RETRIES=0 .venv/bin/pip install torch==2.13.0 numpy scikit-learn==1.9.1
    .venv/bin/python scripts/record-fixtures.py            # all of scripts/fixtures
    .venv/bin/python scripts/record-fixtures.py layers     # one of them

Every input comes from a formula (fixtures/common.py) or is stored, so a second run writes the same files up to the
rounding of PyTorch's kernels. Images are permuted from NCHW to NHWC, and convolution kernels from [O, C, KH, KW] to
[KH, KW, C, O]. Arrays are base64 of little-endian elements.
"""

import importlib
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from fixtures.common import write  # noqa: E402


def main():
    if not torch.__version__.startswith('2.13.'):
        sys.exit(f'PyTorch 2.13 is needed, this is {torch.__version__}')
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    scripts = Path(__file__).parent
    modules = {path.stem: path.relative_to(scripts) for path in (scripts / 'fixtures').rglob('*.py')}
    for name in sys.argv[1:] or sorted(modules.keys() - {'__init__', 'common'}):
        torch.manual_seed(0)
        module = modules[name].with_suffix('')
        # A folder of scripts/fixtures has one of its name in test/fixtures.
        write(module.relative_to('fixtures'), importlib.import_module('.'.join(module.parts)).record())


if __name__ == '__main__':
    main()
