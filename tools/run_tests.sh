#!/usr/bin/env bash
# Set-up where needed, then lint and the whole test suite, on two cores where there are. Arguments go to pytest.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
tools/setup_env.sh
bin=${CTD_VENV:-$root/.venv}/bin
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
"$bin/ruff" check --quiet benchmark reports mmconfigs tools tests setup.py
# A file stays on one process: its tests share what they made.
exec "$bin/python" -m pytest -q -n "$("$bin/python" -c 'import os; print(min(2, os.cpu_count() or 1))')" --dist loadfile --no-loadscope-reorder "$@"
