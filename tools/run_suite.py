#!/usr/bin/env python3
"""Plans and runs a suite: methods x conditions x seeds. A second call does only what is missing."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.experiments.commands.run_suite import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
