#!/usr/bin/env python3
"""Converts a data set to validated COCO keypoints, or checks a prepared one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.prepare_data import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
