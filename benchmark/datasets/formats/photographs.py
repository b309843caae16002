"""Several annotations of one photograph: they belong together, and two on one place are one person twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.patients import photograph_names
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import PHOTOGRAPH, LandmarkMeta

#: Landmarks of two annotations that differ by less, in units of their size (root mean square distance from the centre),
#: are of one person: annotators differ by a tenth, faces side by side by two and more.
NEAR = 0.25


def settle_photographs(samples: list[Sample], meta: LandmarkMeta) -> tuple[LandmarkMeta, list[str | Finding]]:
    """Makes the photograph the unit of the analysis where several samples are of one and no person is known.

    Args:
        samples: All samples; their fields get ``photograph``, in place, where that is so.
        meta: The scheme.

    Returns:
        The scheme, its ``subject`` being ``photograph`` where that is so, and what a person should know.
    """
    of_source: dict[Path, list[Sample]] = defaultdict(list)
    for sample in samples:
        of_source[sample.source].append(sample)
    several = {source: found for source, found in of_source.items() if len(found) > 1}
    notes: list[str | Finding] = []
    for found in several.values():
        if (pair := same_person([sample.keypoints['keypoints'] for sample in found])) is not None:
            one, other = (found[k] for k in pair)
            notes.append(Finding('warning', 'one-person-twice',
                                 f'{other.where}: its landmarks lie on those of {_short(one.where)}: one person '
                                 'annotated twice. Keep one, or give the second as a further annotator '
                                 '(keypoints_<name> of one annotation).'))
    if several and meta.subject is None:
        names = photograph_names(samples)
        for sample in samples:
            sample.fields[PHOTOGRAPH] = names[sample.source]
        meta = replace(meta, subject=PHOTOGRAPH)
        notes.append(f'{len(several)} photographs show several annotated persons: no subject is given, so the '
                     f'photograph is the subject ({len(of_source)} photographs, {len(samples)} images)')
    return meta, notes


def same_person(points: Sequence[np.ndarray]) -> tuple[int, int] | None:
    """The first two of a photograph's annotations, (K, 3) each: x, y, v, that nearly coincide; None where none do."""
    for number, other in enumerate(points):
        for before, one in enumerate(points[:number]):
            both = (one[:, 2] > 0) & (other[:, 2] > 0)
            size = np.sqrt(one[both, :2].var(axis=0).sum()) if both.any() else 0.0
            if size > 0 and np.sqrt(((one - other)[both, :2] ** 2).sum(1).mean()) < NEAR * size:
                return before, number
    return None


def _short(where: str) -> str:
    return where.rpartition(': ')[2]
