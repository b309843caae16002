#!/usr/bin/env python3
"""Make one self-contained HTML page from analysis.json, with its tables (CSV, LaTeX), figures (PDF) and a summary."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.report import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
