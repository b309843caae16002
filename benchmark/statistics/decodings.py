"""The same heatmaps decoded otherwise: each method's mean errors in every decoding that its runs have tried.

A run leaves the mean errors of each test image in ``decodings.json``. They count here where, in the decoding that made
the results, they are the errors that are analysed: so they are over the same images and landmarks, in the same unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Floats
from .beside import read_beside
from .scores import Scores

FILE = 'decodings.json'
ARGMAX = 'argmax'
#: Endpoints that a run may have in each decoding, the first as the page shows them.
ENDPOINTS = ('ME', 'NME', 'ME_mm', 'ME_photo', 'ME_input')
#: How near errors must be to count as those that are analysed; a run keeps eight digits.
SAME = 1e-6
OLDER = 'no run of it says what other decodings give (it was made before this was kept, or the file is lost)'


def read_decodings(folder: Path, record: dict[str, Any]) -> dict[str, Any] | None:
    """A run's errors by decoding, or None where it has none that fit the checksum in its record.

    Args:
        folder: The run's folder.
        record: Its record.
    """
    found = read_beside(folder, record, FILE)
    if not isinstance(found, dict) or isinstance(found.get('reason'), str):
        return found if isinstance(found, dict) else None
    names, scores = found.get('images'), found.get('scores')
    if not isinstance(names, list) or not isinstance(scores, dict) or found.get('used') not in scores:
        return None
    whole = all(isinstance(values, list) and len(values) == len(names)
                for own in scores.values() for values in own.values())
    return found if whole else None


def used(settings: Mapping[str, Any], condition: str) -> str | None:
    """The decoding that all methods share under a condition; None where they share none or the plan does not say.

    Args:
        settings: The plan's, of all runs and by the condition's label.
        condition: That label.
    """
    own = settings.get(condition)
    found = settings.get('decoding', own.get('decoding') if isinstance(own, dict) else None)
    return found if isinstance(found, str) else None


def decodings(plan: dict[str, Any], records: Sequence[dict[str, Any]], main: Scores, condition: str,
              labels: Mapping[str, str]) -> dict[str, Any] | None:
    """Mean errors by method and decoding under the main condition.

    Args:
        plan: The suite's plan; empty for a bare table.
        records: The runs' records, each with its ``decodings`` where it has some.
        main: The scores of that condition.
        condition: Its name.
        labels: Method -> its name for readers.

    Returns:
        The block of ``analysis.json``; None where no run was planned.
    """
    if not plan.get('runs'):
        return None
    by_id = {str(record.get('id')): record.get('decodings') for record in records}
    runs = {(str(run['method']), run['seed']): by_id.get(str(run.get('id'))) for run in plan['runs']
            if run['condition'] == condition}
    methods: dict[str, Any] = {}
    reasons: dict[str, list[str]] = {}
    for method, seeds in main.seeds.items():
        found = _method(main, method, [runs.get((method, seed)) for seed in seeds])
        if isinstance(found, str):
            reasons.setdefault(found, []).append(labels[method])
        else:
            methods[method] = found
    # Methods stand side by side in what all of them have.
    endpoints = [name for name in ENDPOINTS if all(name in means for one in methods.values()
                                                   for means in one['means'].values())] if methods else []
    names = [*dict.fromkeys(name for one in methods.values() for name in one['means'])]
    told = [reason if len(own) == len(main.seeds) else f'{", ".join(own)}: {reason}' for reason, own in reasons.items()]
    return {'names': names, 'endpoints': endpoints, 'methods': methods if endpoints else {},
            'reason': '; '.join(told) or (None if endpoints else 'the methods have no unit in common')}


def _method(main: Scores, method: str, runs: Sequence[dict[str, Any] | None]) -> dict[str, Any] | str:
    """One method: means over seeds; or the reason why there are none.

    Args:
        runs: What each of its seeds has left.
    """
    if not all(runs):
        return OLDER
    there = [run for run in runs if run is not None]
    if lacking := [str(run['reason']) for run in there if 'reason' in run]:
        return lacking[0]
    own = {run['used'] for run in there}
    names = [name for name in there[0]['scores'] if all(name in run['scores'] for run in there)]
    if len(own) > 1:
        return f'its seeds are decoded in different ways ({", ".join(sorted(own))})'
    decoding, = own
    means: dict[str, dict[str, float]] = {name: {} for name in names}
    for endpoint in main.endpoints(ENDPOINTS):
        found = {name: [_scores(main, run, name, endpoint) for run in there] for name in names}
        analysed = main.values[endpoint][method]
        if any(one is None or not np.allclose(one, row, rtol=SAME, atol=1e-9)
               for one, row in zip(found[decoding], analysed, strict=True)):
            continue
        for name, rows in found.items():
            table = analysed if name == decoding else np.array([row for row in rows if row is not None])
            if len(table) == len(analysed):
                means[name][endpoint] = float(main.by_unit(table, main.kept[endpoint]).mean(axis=1).mean())
    if not means[decoding]:
        return 'the errors that are analysed are not over the same landmarks and images, or in another unit'
    return {'used': decoding, 'n_seeds': len(there), 'means': means}


def _scores(main: Scores, run: dict[str, Any], name: str, endpoint: str) -> Floats | None:
    """A run's errors in a decoding, of the images that are analysed; None where one of them is not known."""
    values = dict(zip(run['images'], run['scores'][name].get(endpoint, ()), strict=False))
    kept = [image for image, known in zip(main.images, main.kept[endpoint], strict=True) if known]
    found = [values.get(image) for image in kept]
    return None if any(one is None for one in found) else np.array(found, np.float64)
