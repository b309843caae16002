#!/usr/bin/env bash
# statsmodels 0.15.0 (mean_diff_plot) and pyCompare 1.5.4 (blandAltman), plots of agreement after Bland and Altman.
#
# Behaviour: both draw the limits of agreement at 1.96 times the standard deviation that is divided by n instead of n - 1. The
# limits are too narrow by the factor sqrt(1 - 1 / n), 5 % with ten pairs; pingouin 0.6.1 draws the published ones. statsmodels also
# ends the axis at 1.5 times the limits, whatever the data: a point beyond is not drawn, and nothing says so.
#
# Seen on 2026-11-30 (20 pairs, of which one differs by 11; lower limit, mean, upper limit, and points beyond the axis)
#   by hand, divided by n - 1   -4.32   0.66   5.65
#   by hand, divided by n - 0   -4.20   0.66   5.52
#   pingouin                    -4.32   0.66   5.65    0 beyond
#   statsmodels                 -4.20   0.66   5.52    1 beyond
#   pyCompare                   -4.20   0.66   5.52    0 beyond
#
# Why it matters: a detector's one gross failure is what such a plot is looked at for, and it is missing from the picture while it
# widens the limits. With few pairs the narrower limits may lie within a margin that was agreed beforehand when the right ones
# don't. Set the axis yourself (ax.set_ylim), and compute the limits from numpy's std with ddof=1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check statsmodels==0.15.0 pyCompare==1.5.4 \
    pingouin==0.6.1 matplotlib==3.11.2 numpy==2.3.5 pandas==3.0.6 scipy==1.17.1 2>"$folder/pip.log" ||
    { cat "$folder/pip.log" >&2; exit 2; }
cat >"$folder/look.py" <<'PYTHON'
import os

os.environ['MPLBACKEND'] = 'Agg'
import numpy as np
import pingouin
import statsmodels.api
from matplotlib import pyplot
from pyCompare import blandAltman

rng = np.random.default_rng(0)
annotator = rng.normal(50, 5, 20)
detector = annotator + rng.normal(0, 1, 20)
detector[7] += 12
difference = detector - annotator


def row(name, limits, beyond=''):
    print(f'{name:26} {" ".join(f"{value:6.2f}" for value in limits)} {beyond}'.rstrip())


def drawn(name, draw):
    axes = pyplot.subplots()[1]
    draw(axes)
    low, high = axes.get_ylim()
    levels = sorted({round(float(np.ravel(line.get_ydata())[0]), 6) for line in axes.lines} - {0.0})
    row(name, levels, f'{int(((difference < low) | (difference > high)).sum()):4} beyond')


for ddof in (1, 0):
    half = 1.96 * difference.std(ddof=ddof)
    row(f'by hand, divided by n - {ddof}', (difference.mean() - half, difference.mean(), difference.mean() + half))
drawn('pingouin', lambda axes: pingouin.plot_blandaltman(detector, annotator, ax=axes))
drawn('statsmodels', lambda axes: statsmodels.api.graphics.mean_diff_plot(detector, annotator, ax=axes))
drawn('pyCompare', lambda axes: blandAltman(detector, annotator, ax=axes))
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/look.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
by hand, divided by n - 1   -4.32   0.66   5.65
by hand, divided by n - 0   -4.20   0.66   5.52
pingouin                    -4.32   0.66   5.65    0 beyond
statsmodels                 -4.20   0.66   5.52    1 beyond
pyCompare                   -4.20   0.66   5.52    0 beyond
SEEN
echo 'as stated: limits divided by n, and the worst pair is not in the picture'
