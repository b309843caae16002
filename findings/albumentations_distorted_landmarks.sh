#!/usr/bin/env bash
# albumentations 2.0.8 (the last release under MIT): key points don't follow the image through the augmentations that distort.
#
# Behaviour: ElasticTransform, GridDistortion, OpticalDistortion and PiecewiseAffine draw a disc of radius 1 for each key point into a
# mask, distort the mask and take the first pixel of what is left of the disc, row by row, as the key point. So key points are whole
# pixels, lie about one pixel too high on average, and where two round to one pixel the later disc covers the earlier, which is
# dropped although remove_invisible is False: the list is shorter, and what follows has the wrong name. Elastic and optical
# distortions at the strength below move the image by less than that: leaving the key points where they were is nearer to the truth.
# Affine, which moves key points by formula, agrees with the image.
#
# Seen on 2026-11-30: a Gaussian spot in an image of 128 x 128, 60 seeds, in pixels; where it is afterwards is its centre of mass
#                        moved  key point off  mean error downwards  off if left alone
#   Affine                 7.9            0.1                   0.0                7.9
#   ElasticTransform       0.8            1.1                  -1.0                0.8
#   GridDistortion         5.0            1.1                  -0.9                5.0
#   OpticalDistortion      0.7            1.1                  -1.0                0.7
#   PiecewiseAffine        4.3            2.1                  -1.8                4.3
#   three landmarks, two of them 0.4 px apart, after ElasticTransform: 2
#
# Why it matters: elastic distortion is the usual augmentation of radiographs, and a tenth of a pixel is what methods are compared
# by. A network trained so learns landmarks that are one pixel too high, and closed lips (two landmarks in one pixel) lose one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check albumentations==2.0.8 numpy==2.2.6 \
    scipy==1.16.3 opencv-python-headless==4.12.0.88 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cat >"$folder/look.py" <<'PYTHON'
import albumentations as A
import numpy as np

assert A.__version__ == '2.0.8', A.__version__
SIDE, SEEDS = 128, 60
rows, columns = np.mgrid[:SIDE, :SIDE]


def spot(x, y):
    return (255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 12.5)).astype(np.float32)[..., None]


def centre(image):
    weight = np.where(image[..., 0] > 0.3 * image.max(), image[..., 0], 0).astype(float)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def distorted(transform, seed, image, points):
    pipeline = A.Compose([transform], keypoint_params=A.KeypointParams(format='xy', remove_invisible=False), seed=seed)
    done = pipeline(image=image, keypoints=points)
    return done['image'], np.array(done['keypoints'])


print(f'{"":20} moved  key point off  mean error downwards  off if left alone')
for transform in (A.Affine(rotate=(-30, 30), scale=(0.8, 1.2), translate_px=(-8, 8), p=1),
                  A.ElasticTransform(alpha=100, sigma=10, p=1), A.GridDistortion(p=1),
                  A.OpticalDistortion(distort_limit=(-0.3, 0.3), p=1), A.PiecewiseAffine(scale=(0.03, 0.05), p=1)):
    moved, error = [], []
    for seed in range(SEEDS):
        put = np.random.default_rng(seed).uniform(40, 88, 2)
        image, points = distorted(transform, seed, spot(*put), [tuple(put)])
        if len(points):
            moved.append(np.linalg.norm(centre(image) - put))
            error.append(points[0] - centre(image))
    print(f'{type(transform).__name__:20} {np.mean(moved):5.1f} {np.linalg.norm(error, axis=1).mean():14.1f} '
          f'{np.mean(error, 0)[1] + 0:21.1f} {np.mean(moved):18.1f}')
_, points = distorted(A.ElasticTransform(alpha=100, sigma=10, p=1), 0, spot(60, 60),
                      [(40.0, 40.0), (60.0, 60.0), (60.4, 60.0)])
print(f'three landmarks, two of them 0.4 px apart, after ElasticTransform: {len(points)}')
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
                     moved  key point off  mean error downwards  off if left alone
Affine                 7.9            0.1                   0.0                7.9
ElasticTransform       0.8            1.1                  -1.0                0.8
GridDistortion         5.0            1.1                  -0.9                5.0
OpticalDistortion      0.7            1.1                  -1.0                0.7
PiecewiseAffine        4.3            2.1                  -1.8                4.3
three landmarks, two of them 0.4 px apart, after ElasticTransform: 2
SEEN
echo 'as stated: key points lie a pixel above where the image went, and close ones vanish'
