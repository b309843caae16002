#!/usr/bin/env python3
"""Analyse a suite's results, or any tidy CSV or Parquet table, and write analysis.json."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.analyze import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
