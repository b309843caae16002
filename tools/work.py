#!/usr/bin/env python3
"""Joins the work on a suite's output folder, from any machine that sees it: tools/work.py OUT."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.experiments.commands.work import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
