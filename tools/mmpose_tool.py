#!/usr/bin/env python3
"""One of MMPose's own tools on a run: tools/mmpose_tool.py NAME [its arguments]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.commands.mmpose_tool import main  # noqa: E402

if __name__ == '__main__':
    sys.exit(main())
