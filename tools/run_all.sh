#!/usr/bin/env bash
# Set-up where needed, then a suite's runs, their analysis and the report; prints the report's path last.
#   tools/run_all.sh [SUITE] [options of tools/run_suite.py]      SUITE: demo (default), a name (--help lists them) or a path
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=demo
case ${1:-} in
  -h|--help) sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; echo; suite=--help ;;
  --version) exec python3 "$root/tools/run_suite.py" --version ;;
  -*|'') ;;
  *) suite=$1; shift ;;
esac
python=${CTD_VENV:-$root/.venv}/bin/python
if [ "$suite" = --help ]; then
  if [ ! -x "$python" ]; then python=python3; fi
  exec "$python" "$root/tools/run_suite.py" --help
fi
"$root/tools/setup_env.sh"

out=runs/$(basename "$suite" .py)
for argument in "$@"; do
  if [ "$argument" = --short ]; then out=$out-short; fi
done
only=
previous=
for argument in "$@"; do
  case $previous in --out) out=$argument ;; esac
  case $argument in --out=*) out=${argument#--out=} ;; --dry-run|--status|--watch) only=1 ;; esac
  previous=$argument
done

# Asked to stop, the suite keeps the states of its runs; this script hands that on and waits.
status=0
"$python" "$root/tools/run_suite.py" "$suite" --out "$out" "$@" &
runs=$!
asked=0; heard=-1
trap 'asked=$((asked + 1)); kill -TERM $runs 2>/dev/null || true' TERM INT HUP USR1
while [ $heard -ne $asked ]; do heard=$asked; status=0; wait $runs || status=$?; done
trap - TERM INT HUP USR1
if [ $asked -gt 0 ] && [ "$status" -gt 128 ]; then status=130; fi
# 1: some runs failed. The others are analysed, and the report says so.
if [ "$status" -gt 1 ] || [ -n "$only" ] || [ ! -f "$out/results.parquet" ]; then exit "$status"; fi
"$python" "$root/tools/analyze.py" "$out" --out "$out"
index=
if [ "$(dirname "$out")" = runs ]; then index=--with-index; fi
"$python" "$root/tools/report.py" "$out/analysis.json" $index
exit "$status"
