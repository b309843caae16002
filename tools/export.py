#!/usr/bin/env python3
"""A detector as one ONNX file, photographs in and landmarks out: tools/export.py NETWORK --out FILE.onnx."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.export import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
