"""Networks that have learnt nothing of the image, which an error alone does not show."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from .layout import some


def constant_predictions(rows: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Sentences on methods whose networks put every landmark at one place in all images.

    Args:
        rows: The main condition's rows; without ``x`` and ``y`` nothing is said.
        labels: The methods' names for readers.
    """
    if not {'x', 'y'} <= set(rows.columns):
        return []
    keys = ['method', 'seed', *(['landmark'] if 'landmark' in rows.columns else [])]
    found = rows.dropna(subset=['x', 'y']).groupby(keys, observed=True)
    # A network that gives one place for every landmark, each in two images at least.
    same = (found[['x', 'y']].nunique().max(axis=1) == 1) & (found['image'].nunique() > 1)
    networks = same.groupby(['method', 'seed'], observed=True).all()
    notes = []
    for method, flat in networks.groupby('method', observed=True):
        seeds = [str(seed) for (_, seed), constant in flat.items() if constant]
        if seeds:
            name = labels.get(method, method)
            notes.append(f'{name}: the predictions do not depend on the image (seed {some(seeds)}); every landmark '
                         'lies at one place in all of them. Such a network has learnt at most a mean shape; train '
                         'longer, or at another rate, before methods are compared.')
    return notes
