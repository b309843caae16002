#!/usr/bin/env python3
"""What averaging the seeds' heatmaps would give on a suite's test images: tools/average.py SUITE."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.average import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
