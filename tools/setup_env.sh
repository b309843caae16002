#!/usr/bin/env bash
# Makes .venv from the pinned requirements; a second call finds nothing to do, and one beside it waits for the first.
#   CTD_PYTHON    the interpreter to use (default: the first of python3.11, python3.12, python3.10, python3 that fits)
#   CTD_VENV      the environment's folder (default: .venv in the checkout)
#   CTD_PIP_ARGS  further arguments for pip, such as an index with a CPU build of torch
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${CTD_VENV:-$root/.venv}

case ${1:-} in
  -h|--help) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  --version) exec python3 "$root/tools/run_suite.py" --version ;;
  '') ;;
  *) echo "error: tools/setup_env.sh takes no argument '$1'; see --help" >&2; exit 2 ;;
esac

fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }
python=${CTD_PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3.11 python3.12 python3.10 python3; do
    if command -v "$candidate" >/dev/null 2>&1 && fits "$candidate"; then python=$candidate; break; fi
  done
fi
if [ -z "$python" ] || ! fits "$python"; then
  echo "error: no Python 3.10 to 3.12 found (CTD_PYTHON='${CTD_PYTHON:-}'). Install one, or name it in CTD_PYTHON." >&2
  exit 2
fi

stamp=$venv/.requirements
wanted=$( (cat "$root"/requirements/{runtime,test,no-deps,constraints}.txt; "$python" --version; echo "${CTD_PIP_ARGS:-}") | sha256sum)
there() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x "$venv/bin/python" ]; }
if there; then exit 0; fi

# The lock ends with whoever holds it: this script and the pip that it has started. macOS has no flock command.
locked() {
  "$python" - "$1" "$venv" <<'PYTHON'
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    holder = open(sys.argv[1]).read().strip() or '?'
    print(f'waiting for process {holder}, which sets up {sys.argv[2]}', file=sys.stderr, flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError as error:
    print(f'note: {sys.argv[1]} cannot be locked ({error.strerror}); start no second set-up beside this one', file=sys.stderr)
PYTHON
}
mkdir -p "$(dirname "$venv")"
exec 9>>"$venv.lock"
locked "$venv.lock"
if there; then exit 0; fi
echo $$ > "$venv.lock"

echo "Setting up $venv with $("$python" --version) (about two minutes)" >&2
# A set-up that was killed may have left packages that pip takes for whole: then all is made anew, but nothing is cleared
# that was never begun here. Without its stamp no environment is taken for finished.
begun=$venv/.setting-up
clear=
if [ -f "$begun" ]; then clear=--clear; fi
rm -f "$stamp"
mkdir -p "$venv"
touch "$begun"
"$python" -m venv $clear "$venv"
touch "$begun"
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check ${CTD_PIP_ARGS:-})
"${pip[@]}" -c "$root/requirements/constraints.txt" -r "$root/requirements/runtime.txt" \
  -r "$root/requirements/test.txt"
# mmengine, mmcv and mmpose are pure Python here: mmcv's source builds without compiled operators, since torch is not in
# its build environment.
"${pip[@]}" --no-deps -r "$root/requirements/no-deps.txt"
"$venv/bin/python" -m compileall -q "$venv/lib" >/dev/null 2>&1 || true
echo "$wanted" > "$stamp.tmp"
rm -f "$begun"
mv "$stamp.tmp" "$stamp"
