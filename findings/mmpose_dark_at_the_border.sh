#!/usr/bin/env bash
# mmpose 1.3.2, codecs: decoding by DARK moves landmarks near the image's border, by up to 9 pixels of 256, and SimCC's decoder
# spoils the arrays it is given.
#
# Behaviour: a codec's labels of one landmark are decoded by the same codec, so that what comes back should be what was put in, but
# for the bins. In the middle it is. Near the border UDPHeatmap's Gaussian maps, which are decoded by two-dimensional DARK, give
# places 2 to 3 pixels off, the outermost of them outside of the image, and SimCCLabel(use_dark=True) is off by up to 9 pixels where
# without DARK it is off by 0.1: DARK blurs first, with zeros outside of the map, and fits a parabola to the logarithm of what is
# left. SimCCLabel.decode takes that logarithm in place: the caller's label holds no probabilities any more, and decoding it again
# gives -0.5 for every landmark. (The +0.39 in the middle is UDP's scale: decode multiplies by 256 / 63 where encode divided by
# 255 / 63. On the way back to the photograph that is made good.)
#
# Seen on 2026-11-30, input of 256 x 256, horizontal place put in and error of the one that comes back, in pixels:
#   put in                 1.0    3.0  100.5  252.0  254.9
#   MSRA, unbiased       -1.00  +1.00  -0.00  +0.00  -2.90
#   UDP                  -3.03  +2.82  +0.39  -1.82  +3.13
#   SimCC                +0.00  +0.00  +0.00  +0.00  +0.10
#   SimCC, DARK          +1.32  +0.45  +0.00  -0.31  +9.03
#   SimCC, DARK, again   -1.50  -3.50 -101.00 -252.50 -255.40
#
# Why it matters: landmarks of a cropped face or a radiograph lie at the border (chin, ears, menton), and networks trained with
# these labels are decoded so. MSRA's own limit, whole heatmap pixels at the border (4 pixels of the input), stands beside it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@" 2>>"$folder/pip.log"; }
{ pip torch==2.13.0 numpy==2.2.6 setuptools==80.9.0 packaging==25.0 opencv-python-headless==4.12.0.88 addict==2.4.0 \
      pyyaml==6.0.3 rich==14.2.0 termcolor==3.2.0 yapf==0.43.0 scipy==1.16.3 pillow==12.0.0 munkres==1.1.4 &&
  pip --no-deps mmengine-lite==0.10.7 mmcv-lite==2.1.0 mmpose==1.3.2; } || { cat "$folder/pip.log" >&2; exit 2; }
cat >"$folder/look.py" <<'PYTHON'
import mmpose
import numpy as np
from mmpose.codecs import MSRAHeatmap, SimCCLabel, UDPHeatmap

assert mmpose.__version__ == '1.3.2', mmpose.__version__
PLACES = (1.0, 3.0, 100.5, 252.0, 254.9)
size, grid = (256, 256), (64, 64)


def error(codec, place, times=1):
    point = np.array([[[place, 100.0]]])
    label = codec.encode(point)
    found = None
    for _ in range(times):
        if isinstance(codec, SimCCLabel):
            found = codec.decode(label['keypoint_x_labels'], label['keypoint_y_labels'])[0]
        else:
            found = codec.decode(label['heatmaps'])[0]
    return found[0, 0, 0] - place


print('put in              ' + ' '.join(f'{place:6.1f}' for place in PLACES))
for name, codec, times in (('MSRA, unbiased', MSRAHeatmap(size, grid, 2.0, unbiased=True), 1),
                           ('UDP', UDPHeatmap(size, grid), 1),
                           ('SimCC', SimCCLabel(size, sigma=6.0), 1),
                           ('SimCC, DARK', SimCCLabel(size, sigma=6.0, use_dark=True), 1),
                           ('SimCC, DARK, again', SimCCLabel(size, sigma=6.0, use_dark=True), 2)):
    print(f'{name:20}' + ' '.join(f'{error(codec, place, times):+6.2f}' for place in PLACES))
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
put in                 1.0    3.0  100.5  252.0  254.9
MSRA, unbiased       -1.00  +1.00  -0.00  +0.00  -2.90
UDP                  -3.03  +2.82  +0.39  -1.82  +3.13
SimCC                +0.00  +0.00  +0.00  +0.00  +0.10
SimCC, DARK          +1.32  +0.45  +0.00  -0.31  +9.03
SimCC, DARK, again   -1.50  -3.50 -101.00 -252.50 -255.40
SEEN
echo 'as stated: DARK moves landmarks at the border, and SimCC decodes a label once'
