"""Landmarks one by one: the same contrast for each. Landmarks are never replicates; all of this is exploratory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .arrays import Floats
from .crossed import Block, mean
from .endpoints import Rates
from .estimates import Estimate
from .exploratory import exploratory
from .options import Options
from .scores import Scores
from .success import RadialErrors, landmark_rates, radial_errors


def landmarks(rows: pd.DataFrame, scores: Scores, declared: Sequence[str], pairs: Sequence[tuple[str, str]],
              options: Options, rates: Rates | None = None) -> dict[str, Any] | None:
    """Mean error and success detection rates of each landmark and method, and the planned contrasts per landmark.

    p-values are adjusted by Benjamini and Hochberg over the landmarks of a contrast and scope.

    Args:
        rows: The main condition's rows.
        scores: Its scores; images and subjects are those.
        declared: Landmarks in the order of the data set.
        pairs: Planned pairs.
        options: Design and level.
        rates: Success detection rates.

    Returns:
        None where the table has no landmarks.
    """
    if 'landmark' not in rows.columns:
        return None
    radial = radial_errors(rows, scores, 'error')
    names = [name for name in map(str, declared) if name in radial.landmarks]
    names += sorted(set(radial.landmarks) - set(names))
    arrays = {name: errors(radial, name, scores, options) for name in names}
    more = landmark_rates(rows, radial, scores, rates)
    means: dict[str, dict[str, Any]] = {method: {} for method in scores.methods}
    found = {name: {method: mean(block) for method, (_, block) in arrays[name].items()} for name in names}
    Estimate.together([one for every in found.values() for one in every.values()], [1 - options.alpha])
    for name in names:
        for method, (values, _) in arrays[name].items():
            one = found[name][method]
            low, high = one.interval(1 - options.alpha)
            per_seed = values.mean(axis=1)
            means[method][name] = {'mean': float(per_seed.mean()),
                                   'seed_sd': float(per_seed.std(ddof=1)) if len(per_seed) > 1 else None,
                                   'ci_low': low, 'ci_high': high, **more.get((method, name), {})}
    blocks = {name: {method: block for method, (_, block) in own.items()} for name, own in arrays.items()}
    return {'names': names,
            'n_images': {name: next(iter(arrays[name].values()))[0].shape[1] for name in names},
            'methods': means, 'contrasts': exploratory('landmark', blocks, scores, pairs, options)}


def errors(radial: RadialErrors, landmark: str, scores: Scores,
           options: Options) -> dict[str, tuple[Floats, Block]]:
    """Method -> errors of one landmark per image (S, images), and per unit of analysis, a block (S, N).

    Images without this landmark are left out; a missing prediction counts as the cap.
    """
    place = radial.landmarks.index(landmark)
    kept = radial.expected[:, place]
    found = {}
    for method, every in radial.errors.items():
        values = every[:, kept, place]
        if options.missing_cap is not None:
            values = np.where(np.isnan(values), options.missing_cap, values)
        found[method] = values, scores.blocked(scores.by_unit(values, kept))
    return found
