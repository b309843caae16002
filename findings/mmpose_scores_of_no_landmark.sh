#!/usr/bin/env bash
# mmpose 1.3.2, keypoint metrics: what cannot be scored gets the best score from some and the worst from others, and a perfect
# detector does not get an AUC of 1.
#
# Behaviour: mmpose.evaluation.functional.keypoint_auc is a sum over thresholds i / n, i = 0 ... n - 1, of the share of distances
# below them. The first threshold is 0, which no distance is below, so that a perfect detector has (n - 1) / n: 0.95 with the
# default n = 20, and an AUC changes when n does. keypoint_epe and keypoint_nme of images without one visible landmark are 0.0, a
# perfect error; keypoint_pck_accuracy of the same is 0.0, the worst accuracy. An image whose normalisation factor is 0 is left out
# of keypoint_nme without a word, and the caller's array of factors is changed: its zeros are 1,000,000 afterwards.
#
# Seen on 2026-11-30, 4 images of 5 landmarks:
#   AUC of exact predictions      n = 2: 0.50  n = 10: 0.90  n = 20: 0.95  n = 100: 0.99
#   all 5 px off, none visible    EPE 0.0  NME 0.0  PCK@0.1 0.0
#   one factor of four is 0       NME 0.1000 before and 0.1000 with it; factors afterwards [1000000.0, 50.0, 50.0, 50.0]
#
# Why it matters: a data set split by group or by landmark has parts without visible landmarks; their zeros are averaged with the
# other errors. An AUC from MMPose can't be put beside one from 300W's tools, whose perfect detector has 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@" 2>>"$folder/pip.log"; }
{ pip torch==2.13.0 numpy==2.2.6 setuptools==80.9.0 packaging==25.0 opencv-python-headless==4.12.0.88 addict==2.4.0 \
      pyyaml==6.0.3 rich==14.2.0 termcolor==3.2.0 yapf==0.43.0 scipy==1.16.3 pillow==12.0.0 munkres==1.1.4 &&
  pip --no-deps mmengine-lite==0.10.7 mmcv-lite==2.1.0 mmpose==1.3.2; } || { cat "$folder/pip.log" >&2; exit 2; }
cat >"$folder/look.py" <<'PYTHON'
import importlib.util
import sys
import types
from pathlib import Path

import mmpose
import numpy as np

assert mmpose.__version__ == '1.3.2', mmpose.__version__
# The file of the functions by itself: its package asks for xtcocotools, which plays no part in them.
folder = Path(mmpose.__file__).parent / 'evaluation'
for name, place in (('mmpose.evaluation', folder), ('mmpose.evaluation.functional', folder / 'functional')):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(place)]
from mmpose.evaluation.functional.keypoint_eval import (keypoint_auc, keypoint_epe, keypoint_nme,
                                                        keypoint_pck_accuracy)

truth = np.random.default_rng(0).uniform(20, 200, (4, 5, 2))
visible = np.ones((4, 5), bool)
off = truth + [3.0, 4.0]


def factors():
    return np.full((4, 2), 50.0)


areas = '  '.join(f'n = {n}: {keypoint_auc(truth, truth, visible, 30, n):.2f}' for n in (2, 10, 20, 100))
assert keypoint_auc(truth, truth, visible, 30) == keypoint_auc(truth, truth, visible, 30, 20)
print(f'AUC of exact predictions      {areas}')
print(f'all 5 px off, none visible    EPE {keypoint_epe(off, truth, ~visible):.1f}  '
      f'NME {keypoint_nme(off, truth, ~visible, factors()):.1f}  '
      f'PCK@0.1 {keypoint_pck_accuracy(off, truth, ~visible, 0.1, factors())[1]:.1f}')
some = factors()
some[0] = 0
before = keypoint_nme(off, truth, visible, factors())
print(f'one factor of four is 0       NME {before:.4f} before and {keypoint_nme(off, truth, visible, some):.4f} with it; '
      f'factors afterwards {some[:, 0].tolist()}')
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
AUC of exact predictions      n = 2: 0.50  n = 10: 0.90  n = 20: 0.95  n = 100: 0.99
all 5 px off, none visible    EPE 0.0  NME 0.0  PCK@0.1 0.0
one factor of four is 0       NME 0.1000 before and 0.1000 with it; factors afterwards [1000000.0, 50.0, 50.0, 50.0]
SEEN
echo 'as stated: no landmark has the best error, and a perfect detector no AUC of 1'
