#!/usr/bin/env bash
# Makes .venv from the pinned requirements, with this checkout installed in it (editable), so that import benchmark and
# landmark-bench work from any folder. A second call finds nothing to do, and one beside it waits for the first.
#   CTD_PYTHON    the interpreter to use (default: the first of python3.11, .12, .13, .14, .10 and python3 that fits)
#   CTD_VENV      the environment's folder (default: .venv in the checkout)
#   CTD_PIP_ARGS  further arguments for pip, such as an index with a CPU build of torch
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${CTD_VENV:-$root/.venv}

case ${1:-} in
  -h|--help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  --version) exec python3 "$root/tools/run_suite.py" --version ;;
  '') ;;
  *) echo "error: tools/setup_env.sh takes no argument '$1'; see --help" >&2; exit 2 ;;
esac

# What the pins have wheels for.
fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }
what() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null || echo 'does not start'; }
python=${CTD_PYTHON:-}
refused=
for candidate in ${python:-python3.11 python3.12 python3.13 python3.14 python3.10 python3}; do
  if ! command -v "$candidate" >/dev/null 2>&1; then continue; fi
  if fits "$candidate"; then python=$candidate; refused=; break; fi
  refused="$candidate ($(command -v "$candidate")) is $(what "$candidate")"
done
if [ -n "$refused" ] || [ -z "$python" ] || ! command -v "$python" >/dev/null 2>&1; then
  if [ -n "$python" ]; then refused=${refused:-"CTD_PYTHON=$python is not there"}; fi
  echo "error: ${refused:-there is no Python}, but the pinned packages have wheels for Python 3.10 to 3.14. Install one," \
    "or name it in CTD_PYTHON." >&2
  exit 2
fi

stamp=$venv/.requirements
wanted=$( (cat "$root"/requirements/{runtime,test,no-deps,constraints}.txt; "$python" --version; echo "${CTD_PIP_ARGS:-}") | sha256sum)
there() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x "$venv/bin/python" ]; }
# An environment that several checkouts share has the first one's package, for as long as that one is there; tools import
# from their own checkout whatever is installed. A checkout that can't be written to is not installed.
package=$venv/.package
installed=$(echo "$root"; cat "$root/pyproject.toml" "$root/setup.py" | sha256sum)
linked() {
  if [ ! -w "$root" ]; then return 0; fi
  if [ ! -f "$package" ]; then return 1; fi
  local owner; owner=$(head -n 1 "$package")
  if [ "$owner" != "$root" ] && [ -f "$owner/tools/setup_env.sh" ]; then return 0; fi
  [ "$(cat "$package")" = "$installed" ]
}
if there && linked; then exit 0; fi

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
if there && linked; then exit 0; fi
echo $$ > "$venv.lock"

link() {
  "${pip[@]}" --no-deps --no-build-isolation --editable "$root"
  echo "$installed" > "$package"
}
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check ${CTD_PIP_ARGS:-})
if there; then link; exit 0; fi

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
"${pip[@]}" -c "$root/requirements/constraints.txt" -r "$root/requirements/runtime.txt" \
  -r "$root/requirements/test.txt"
# mmengine, mmcv and mmpose are pure Python here: mmcv's source builds without compiled operators, since torch is not in
# its build environment.
"${pip[@]}" --no-deps -r "$root/requirements/no-deps.txt"
linked || link
"$venv/bin/python" -m compileall -q "$venv/lib" >/dev/null 2>&1 || true
echo "$wanted" > "$stamp.tmp"
rm -f "$begun"
mv "$stamp.tmp" "$stamp"
