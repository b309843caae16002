#!/usr/bin/env bash
# Set-up where needed, then lint, types and the tests, on two cores where there are.
#   tools/run_tests.sh [--all] [arguments of pytest]
#   --all   the tests marked slow too (faults, clusters, storms, whole trainings), and all examples of the properties
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lane=(-m 'not slow' --hypothesis-profile=fast)
case ${1:-} in
  -h|--help) sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  --version) exec python3 "$root/tools/run_suite.py" --version ;;
  --all) lane=(); shift ;;
esac
cd "$root"
tools/setup_env.sh
bin=${CTD_VENV:-$root/.venv}/bin
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
"$bin/ruff" check --quiet benchmark reports mmconfigs tools tests setup.py
"$bin/mypy" --no-error-summary
exec "$bin/python" -m pytest -q -rs -n "$("$bin/python" -c 'import os; print(min(2, os.cpu_count() or 1))')" \
  --dist worksteal ${lane[@]+"${lane[@]}"} "$@"
