"""Which landmarks are mirror images of each other, where SRC does not say: as the mean shape suggests, or none."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import DataError, LandmarkMeta
from benchmark.datasets.shape_checks import SYMMETRIC, pairs_text
from benchmark.datasets.shapes import MIN_IMAGES, mean_shape, propose_flips, to_complex


def settle_flips(samples: list[Sample], meta: LandmarkMeta, args: argparse.Namespace) -> tuple[LandmarkMeta, list[str]]:
    """Takes the pairs that the mean shape proposes where ``--flip-pairs proposed`` asks for them.

    Args:
        samples: All samples.
        meta: The scheme so far.
        args: ``flip_pairs``.

    Returns:
        The scheme, and a note about it; also where nothing will be mirrored for want of pairs.

    Raises:
        DataError: Proposed pairs are asked for and there are none.
    """
    if args.flip_pairs != 'proposed':
        note = ('no flip pairs are known, so no image is mirrored: name them with --flip-pairs, take `--flip-pairs '
                'proposed`, or say with --flip-pairs none that each landmark is its own mirror image')
        return meta, [note] if meta.unpaired else []
    points = np.array([sample.keypoints['keypoints'] for sample in samples])
    shape = mean_shape(to_complex(points[:, :, :2], points[:, :, 2] > 0))
    if shape is None:
        raise DataError(f'--flip-pairs: nothing can be proposed: that takes at least {MIN_IMAGES} images with three '
                        'landmarks in common. Name the pairs, as A:B,C:D.')
    proposed = propose_flips(shape.mean, shape.upright)
    if proposed is None or proposed[1] > SYMMETRIC:
        how = 'lies on a line' if proposed is None else (f'differs from its mirror image by {proposed[1]:.0%} of its '
                                                         'size in any order')
        raise DataError(f'--flip-pairs: nothing can be proposed: the mean shape {how}. Name the pairs, as A:B,C:D, or '
                        'give --flip-policy never.')
    indices, left = proposed
    text = pairs_text(meta.landmarks, indices).replace(',', ', ')
    return replace(meta, flip_indices=tuple(map(int, indices))), [
        f'flip pairs from the mean shape: {text}; mirrored, it differs by {left:.1%} of its size. Look at them once']
