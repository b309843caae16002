#!/usr/bin/env bash
# landmarker 0.4.1 (a toolkit for anatomical landmark detection, with the cephalograms of ISBI 2015): rate of success, enlarged
# heatmaps and STAR loss.
#
# Behaviour:
# 1. sdr compares distance <= radius before it averages, and the distance from a landmark that nobody labelled (NaN, which the
#    package's reader of LabelMe writes) is no success. So nanmean=True, which is there to leave such landmarks out, changes
#    nothing: they count as misses. point_error(reduction='nanmean') does leave them out.
# 2. heatmap_to_coord_enlarge resizes a heatmap so that pixel c lands at (c + 0.5) f - 0.5, and divides what it finds by f: all
#    landmarks come back (1 - 1 / f) / 2 heatmap pixels too far right and down. Enlarging makes the decoded position worse.
# 3. StarLoss(reduction='mean') multiplies each landmark's weight by the summed error of the whole batch, not by its own: it
#    grows with batch size times landmarks, and a landmark's weight (its own ambiguity, the point of this loss) acts on the
#    errors of the others.
#
# Seen on 2026-11-30 (shift and error in heatmap pixels, of 40 noiseless Gaussians):
#   every labelled landmark is hit, 2 of 4 have no label: sdr 50.0, with nanmean 50.0, point_error with nanmean 0.0
#   argmax, enlarged 1 times: shift +0.08 right +0.07 down, error 0.38
#   argmax, enlarged 2 times: shift +0.26 right +0.27 down, error 0.42
#   argmax, enlarged 4 times: shift +0.42 right +0.42 down, error 0.64
#   argmax, enlarged 8 times: shift +0.50 right +0.49 down, error 0.76
#   weighted mean, not enlarged: error 0.00; enlarged 4 times: 0.53
#   loss of a batch of 4 x 19 equal landmarks over that of one: StarLoss 76, EuclideanDistanceVarianceReg 1
#
# Why it matters: 1 makes a set with gaps look as if its detector failed, while the mean error beside it looks right. 0.42 pixels
# of a heatmap of 512 rows are 0.2 mm on these cephalograms of 2400 rows. With 3, another batch size is another learning rate.
# Take the rate from point_error(reduction='none') without its NaN, and take 0.5 - 0.5 / f off what an enlarged heatmap gives.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check landmarker==0.4.1 torch==2.13.0 \
    torchvision==0.28.0 monai==1.6.1 numpy==2.4.6 scipy==1.15.3 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cat >"$folder/look.py" <<'PYTHON'
import numpy as np
import torch

# torchvision's compiled operators don't load where torch has no CUDA; without this its import would fail there.
register = torch.library.register_fake
torch.library.register_fake = lambda op, *rest, **more: (
    (lambda f: f) if str(op).startswith('torchvision::') else register(op, *rest, **more))
import landmarker  # noqa: E402
from landmarker.heatmap import GaussianHeatmapGenerator, heatmap_to_coord, heatmap_to_coord_enlarge  # noqa: E402
from landmarker.losses import EuclideanDistanceVarianceReg, StarLoss  # noqa: E402
from landmarker.metrics import point_error, sdr  # noqa: E402

assert landmarker.__version__ == '0.4.1', landmarker.__version__
torch.set_num_threads(1)
put = torch.tensor([[[10.0, 10], [20, 20], [30, 30], [40, 40]]])
labels = put.clone()
labels[:, 2:] = torch.nan
print(f'every labelled landmark is hit, 2 of 4 have no label: sdr {sdr(2.0, labels, put)}, with nanmean '
      f'{sdr(2.0, labels, put, nanmean=True)}, point_error with nanmean {point_error(labels, put, reduction="nanmean").item()}')

draw = GaussianHeatmapGenerator(nb_landmarks=1, sigmas=3.0, heatmap_size=(64, 64))


def off(decode):
    """Found minus put, rows (y) first: a row per position."""
    places = [np.random.default_rng(seed).uniform(20, 44, 2) for seed in range(40)]
    return np.array([decode(draw(torch.tensor(p[None, None], dtype=torch.float32)))[0, 0].numpy() - p for p in places])


def size(error):
    return (error ** 2).sum(1).mean() ** 0.5


for factor in (1, 2, 4, 8):
    error = off(lambda maps: heatmap_to_coord_enlarge(maps, enlarge_factor=factor))
    down, right = error.mean(0)
    print(f'argmax, enlarged {factor} times: shift {right:+.2f} right {down:+.2f} down, error {size(error):.2f}')
MEAN = 'weighted_spatial_mean'
print(f'weighted mean, not enlarged: error {size(off(lambda maps: heatmap_to_coord(maps, method=MEAN))):.2f}; enlarged 4 times: '
      f'{size(off(lambda maps: heatmap_to_coord_enlarge(maps, enlarge_factor=4, method=MEAN))):.2f}')

found, spread, true = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[[4.0, 0], [0, 9]]]]), torch.zeros(1, 1, 2)
ratio = {}
for loss in (StarLoss(omega=0.0), EuclideanDistanceVarianceReg(alpha=0.0)):
    many = loss(found.repeat(4, 19, 1), spread.repeat(4, 19, 1, 1), true.repeat(4, 19, 1))
    ratio[type(loss).__name__] = (many / loss(found, spread, true)).item()
print('loss of a batch of 4 x 19 equal landmarks over that of one: ' + ', '.join(f'{k} {v:.0f}' for k, v in ratio.items()))
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
every labelled landmark is hit, 2 of 4 have no label: sdr 50.0, with nanmean 50.0, point_error with nanmean 0.0
argmax, enlarged 1 times: shift +0.08 right +0.07 down, error 0.38
argmax, enlarged 2 times: shift +0.26 right +0.27 down, error 0.42
argmax, enlarged 4 times: shift +0.42 right +0.42 down, error 0.64
argmax, enlarged 8 times: shift +0.50 right +0.49 down, error 0.76
weighted mean, not enlarged: error 0.00; enlarged 4 times: 0.53
loss of a batch of 4 x 19 equal landmarks over that of one: StarLoss 76, EuclideanDistanceVarianceReg 1
SEEN
echo 'as stated: gaps are misses, enlarging shifts, the mean loss grows with the batch'
