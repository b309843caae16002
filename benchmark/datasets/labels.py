"""Which images a run is labelled with, and which landmarks it can therefore not learn; numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .metainfo import DataError, LandmarkMeta
from .records import Record


def choose_subset(records: list[Record], count: int | None, seed: int) -> list[Record]:
    """Draws ``count`` labelled images; draws of one seed are nested: its 10 labels are among its 20.

    Args:
        records: The split's records.
        count: Images to keep; None keeps all.
        seed: Seed of the draw.

    Raises:
        DataError: More images asked for than there are.
    """
    if count is None:
        return records
    if not 0 < count <= len(records):
        raise DataError(f'num_labels={count}: the split has {len(records)} images. Ask for 1 to {len(records)}.')
    order = np.random.default_rng([seed, 0x5B1]).permutation(len(records))
    return [records[i] for i in sorted(order[:count])]


def untrained(meta: LandmarkMeta, train: Sequence[Record], test: Sequence[Record], policy: str,
              flips: bool) -> dict[str, int]:
    """Landmarks that are tested, from a heatmap that no training image says anything of.

    A heatmap learns from the images in which its landmark is annotated; of a pair also from mirrored views of the other
    one (``swap``), or as the annotated side of a mirrored image (``canonical``).

    Args:
        meta: The scheme.
        train: The labelled training images of a run.
        test: The test images.
        policy: What a mirrored view means; see :class:`benchmark.datasets.views.DrawView`.
        flips: Whether mirrored views are drawn.

    Returns:
        Landmark -> number of test images in which it is annotated and predicted so, in the order of the scheme.
    """
    pairs = np.array(meta.flip_indices)
    first, second = np.arange(len(pairs)) < pairs, np.arange(len(pairs)) > pairs

    def seen(records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray]:
        """What is annotated (N, K), and which images are mirrored (N, 1)."""
        visible = np.array([record.visible for record in records], bool).reshape(-1, len(pairs))
        more = visible[:, second].sum(1, keepdims=True) > visible[:, first].sum(1, keepdims=True)
        return visible, more & (policy == 'canonical')

    visible, mirrored = seen(train)
    learned = np.where(mirrored, visible[:, pairs], visible).any(0)
    if policy == 'swap' and flips:
        learned |= visible[:, pairs].any(0)
    visible, mirrored = seen(test)
    missed = (visible & ~np.where(mirrored, learned[pairs], learned)).sum(0)
    return {name: int(count) for name, count in zip(meta.landmarks, missed) if count}
