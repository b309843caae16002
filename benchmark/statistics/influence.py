"""Single images that a mean rests on: named, never left out.

With e_i the score of unit i (an image, or a subject with several) of a method, averaged over its seeds, unit i carries
the mean where e_i > (e_1 + ... + e_N) / 2 and N is at least 5: it weighs more than all others together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .alerts import alert
from .endpoints import rounded
from .layout import some
from .measures import Measures
from .scores import Scores

#: Endpoints that one image can carry: means of distances. A share can't, as no image counts more than 1.
CARRIED = ('ME', 'NME')
#: From how many units on one of them can carry a mean.
FEWEST = 5
#: Below which share of the median a normalising distance is named.
SHORT = 1 / 3


def carriers(scores: Scores, labels: Mapping[str, str], unit: str, measures: Measures,
             several: bool = False) -> list[dict[str, str]]:
    """Alerts of single units that carry most of a mean, by endpoint and unit.

    Args:
        scores: A condition's scores.
        labels: Method -> its name for readers.
        unit: Of the errors.
        measures: The endpoints.
        several: Whether there are other conditions, so that this one is named.
    """
    found: dict[tuple[str, int], list[str]] = {}
    for endpoint in scores.endpoints([one.name for one in measures.scores] or CARRIED):
        about = measures[endpoint]
        own = unit if about.shown is None else about.shown
        for method in scores.methods:
            values = scores.block(endpoint, method).images
            sizes = np.abs(values)
            if len(values) < FEWEST or not sizes.sum() > 0 or sizes.max() <= sizes.sum() / 2:
                continue
            top = int(sizes.argmax())
            means = values[top], values.mean(), np.delete(values, top).mean()
            shown = [rounded(value, about.decimals, about.factor) for value in means]
            found.setdefault((endpoint, top), []).append(
                f'{labels[method]} {shown[0]}{own and f" {own}"} (mean {shown[1]}, {shown[2]} without it)')
    where = f'{scores.name}: ' if several else ''
    return [alert('one image carries a mean',
                  f'{where}{scores.unit} {scores.unit_names(endpoint)[top]} makes up more than half of the sum of '
                  f'{endpoint} over {len(scores.unit_names(endpoint))} {scores.unit}s: {some(told)}. Nothing is left '
                  f'out for that; look at {"it" if measures.scores else "its annotation"}.')
            for (endpoint, top), told in found.items()]


def short_normalisers(rows: pd.DataFrame) -> list[dict[str, str]]:
    """An alert of images whose normalising distance lies far below the others': an error counts more in their NME.

    Args:
        rows: A condition's rows.
    """
    if 'normalizer' not in rows.columns:
        return []
    distance = rows.groupby('image', observed=True)['normalizer'].min().dropna()
    if len(distance) < FEWEST:
        return []
    share = (distance / distance.median()).sort_values()
    short = share[share < SHORT]
    if not len(short):
        return []
    named: Sequence[str] = [f'{image} ({100 * value:.2g} % of the median)' for image, value in short.items()]
    return [alert('short normalising distance',
                  f'The distance that normalises NME is far below the others\' in {len(short)} of {len(share)} test '
                  f'images: {some(named, 3)}. The same error in pixels counts more in NME there, as in a face in '
                  'profile. Nothing is left out for that.')]
