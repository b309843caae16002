#!/usr/bin/env bash
# pingouin 0.6.1, intraclass_corr on a long table in which each annotator measured each image several times.
#
# Behaviour: the readings of one annotator are averaged, without a word, before anything is computed. ICC(A,1), which the page
# calls the reliability of one rating by a single rater, is then that of a mean of four readings: 0.76 for 0.39 to 0.48 of the
# single readings and 0.48 in truth. The result is that of the averaged table to the last digit, degrees of freedom included. The
# page asks for complete and balanced data, which these are, and doesn't speak of repeats.
#
# Seen on 2026-11-30 (30 images, 3 annotators, 4 readings; variances of images 1, of annotators 0.09 and of readings 1)
#   in truth 0.48; by hand, each reading: 0.44 0.46 0.48 0.39; of means of four: 0.76
#   pingouin, first reading  90 rows: 0.44 [0.19, 0.66], F(29, 58) = 4.20
#   pingouin, all readings  360 rows: 0.76 [0.44, 0.90], F(29, 58) = 18.81
#   pingouin, averaged       90 rows: 0.76 [0.44, 0.90], F(29, 58) = 18.81
#   warnings that speak of it: 0
#
# Why it matters: two or more readings per annotator is the usual design of a study of landmarks. What is reported as the agreement
# of single readings is too good by what averaging them gains, and more readings make it better still. Give one reading at a time
# (and average the coefficients), or fit images, annotators and their interaction as variance components.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    pingouin==0.6.1 numpy==2.3.5 pandas==3.0.6 scipy==1.17.1 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cat >"$folder/look.py" <<'PYTHON'
import warnings

import numpy as np
import pandas as pd
import pingouin

assert pingouin.__version__ == '0.6.1', pingouin.__version__
IMAGES, ANNOTATORS, READINGS = 30, 3, 4
rng = np.random.default_rng(1)
image, annotator = rng.normal(0, 1, IMAGES), np.array([0, 0.3, -0.3])
scores = image[:, None, None] + annotator[:, None] + rng.normal(0, 1, (IMAGES, ANNOTATORS, READINGS))
table = pd.DataFrame([(i, a, r, scores[i, a, r]) for i, a, r in np.ndindex(scores.shape)],
                     columns=['image', 'annotator', 'reading', 'millimetres'])


def by_hand(wide):
    """Two-way ICC(A,1), McGraw and Wong 1996, of images x annotators."""
    n, k = wide.shape
    mean, rows, columns = wide.mean(), wide.mean(1), wide.mean(0)
    between = k * ((rows - mean) ** 2).sum() / (n - 1)
    sides = n * ((columns - mean) ** 2).sum() / (k - 1)
    rest = ((wide - rows[:, None] - columns + mean) ** 2).sum() / (n - 1) / (k - 1)
    return (between - rest) / (between + (k - 1) * rest + k * (sides - rest) / n)


def given(rows):
    result = pingouin.intraclass_corr(rows, targets='image', raters='annotator', ratings='millimetres').set_index('Type')
    return result.loc['ICC(A,1)']


true = 1 / (1 + np.var(annotator, ddof=1) + 1)
print(f'in truth {true:.2f}; by hand, each reading: {" ".join(f"{by_hand(scores[..., r]):.2f}" for r in range(READINGS))}; '
      f'of means of four: {by_hand(scores.mean(2)):.2f}')
averaged = table.groupby(['image', 'annotator'], as_index=False)['millimetres'].mean()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    for name, rows in (('first reading', table[table.reading == 0]), ('all readings', table), ('averaged', averaged)):
        one = given(rows)
        low, high = one['CI95']
        print(f'pingouin, {name:13} {len(rows):3} rows: {one["ICC"]:.2f} [{low:.2f}, {high:.2f}], F({one["df1"]}, {one["df2"]}) '
              f'= {one["F"]:.2f}')
print('warnings that speak of it:', sum(word in str(w.message) for w in caught for word in ('repeat', 'averag', 'duplicat')))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
in truth 0.48; by hand, each reading: 0.44 0.46 0.48 0.39; of means of four: 0.76
pingouin, first reading  90 rows: 0.44 [0.19, 0.66], F(29, 58) = 4.20
pingouin, all readings  360 rows: 0.76 [0.44, 0.90], F(29, 58) = 18.81
pingouin, averaged       90 rows: 0.76 [0.44, 0.90], F(29, 58) = 18.81
warnings that speak of it: 0
SEEN
echo 'as stated: the reliability of one reading is that of the mean of four'
