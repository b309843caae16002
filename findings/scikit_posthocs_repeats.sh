#!/usr/bin/env bash
# scikit-posthocs 0.17.1, Friedman-type post-hoc tests on a long table with repeats (images x methods x seeds).
#
# Behaviour: with melted=True and more than one row of a method in a block (three seeds of each image), nemenyi, siegel and
# miller_friedman and posthoc_quade return an *empty* DataFrame, without an error or a warning (quade lets numpy's 'invalid value
# encountered in scalar divide' through). posthoc_durbin, which takes the same arguments, returns p values, but others than those
# of the table averaged over the seeds.
#
# Seen on 2026-11-29 (10 images, 3 methods, 3 seeds; rows are shape of the table given, shape of its average):
#   posthoc_nemenyi_friedman (0, 0) (3, 3)
#   posthoc_siegel_friedman  (0, 0) (3, 3)
#   posthoc_miller_friedman  (0, 0) (3, 3)
#   posthoc_quade            (0, 0) (3, 3)
#   posthoc_durbin           (3, 3) (3, 3)
#
# Why it matters: `(p < .05).any().any()` of an empty table is False, so a script that loops over landmarks or data sets and
# counts the significant pairs reports none. Average the seeds within an image first (which asks about these trained models, not
# about training again) or test with the seeds as a factor of their own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    scikit-posthocs==0.17.1 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import warnings
import numpy as np
import pandas as pd
import scikit_posthocs as sp

rng = np.random.default_rng(0)
table = pd.DataFrame([(image, seed, method, rng.normal(level, 0.1)) for image in range(10) for seed in range(3)
                      for method, level in (("A", 1), ("B", 1.1), ("C", 2))], columns=["image", "seed", "method", "error"])
average = table.groupby(["image", "method"], as_index=False).error.mean()
columns = {"y_col": "error", "group_col": "method", "block_col": "image", "block_id_col": "image", "melted": True}
for name in ("posthoc_nemenyi_friedman", "posthoc_siegel_friedman", "posthoc_miller_friedman", "posthoc_quade", "posthoc_durbin"):
    test = getattr(sp, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        repeats = test(table, **columns)
    told = [w for w in caught if "inplace" not in str(w.message)
            and not issubclass(w.category, (DeprecationWarning, FutureWarning))
            and not (name == "posthoc_quade" and "scalar divide" in str(w.message))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        averaged = test(average, **columns)
    print(f"{name:24} {repeats.shape} {averaged.shape} any p < .05: {bool((repeats < 0.05).any().any())}, "
          f"{bool((averaged < 0.05).any().any())}; warnings: {len(told)}")
    assert averaged.shape == (3, 3)
    assert repeats.shape == ((3, 3) if name == "posthoc_durbin" else (0, 0)), f"{name} no longer gives what is stated"
    assert not told, f"{name} warns now: {told[0].message}"
    if name == "posthoc_durbin":
        assert not np.isclose(repeats.loc["A", "B"], averaged.loc["A", "B"])
print("as stated: repeats give empty tables without a word")
PYTHON
