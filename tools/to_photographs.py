#!/usr/bin/env python3
"""Positions of a suite's test images in pixels of the original photographs: a table of predictions and truth."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.to_photographs import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
