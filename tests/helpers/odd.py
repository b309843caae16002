"""Three landmarks in a few images, and what a prepared set has made of them."""

import numpy as np

from benchmark.datasets.prepared import read_split

NAMES = ('eye_r', 'eye_l', 'mouth')

WIDTH, HEIGHT, COUNT = 240, 220, 12


def points(i):
    """Landmarks (3, 2) of image i, in pixels with the first one's centre at 0."""
    return np.array([[80.5 + i, 60.25], [150.5, 61.5 + i], [110.25, 140.75 + i]])


def landmarks(root):
    """Landmarks by image number; those not annotated are NaN."""
    records = [r for s in ('train', 'val', 'test') for r in read_split(root, s).records]
    return {int(r.file_name.split('/')[-1].split('.')[0]): np.where(r.visible[:, None], r.landmarks, np.nan)
            for r in records}


def assert_exact(root, atol=1e-4):
    found = landmarks(root)
    assert sorted(found) == list(range(COUNT))
    for i, read in found.items():
        np.testing.assert_allclose(read, points(i), atol=atol)
