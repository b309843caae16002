"""How the networks trained: losses, validation error and the regularisers' gradient ratios against progress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Floats
from .beside import read_beside

HISTORY = 'history.json'
#: Of a curve. More would show the noise of single batches.
POINTS = 40
LOSS = 'loss_kpt'
VALIDATION, UNIT = 'landmark/ME', 'heatmap px'
#: Reading of a regulariser's gradient over that of the heatmap loss: below the number it reads so. A convention.
READINGS = ((1e-3, 'does not act'), (1e-2, 'hardly acts'), (1.0, 'acts'), (math.inf, 'outweighs the heatmap loss'))
Series = tuple[list[float], list[float]]


def read_history(folder: Path, record: dict[str, Any]) -> dict[str, Any] | None:
    """A run's training history, or None where it has none that fits the checksum in its record.

    Args:
        folder: The run's folder.
        record: Its record; those of older runs name no history.
    """
    history = read_beside(folder, record, HISTORY)
    parts = ('train', 'measured', 'validation')
    whole = isinstance(history, dict) and all(isinstance(history.get(part), dict) for part in parts)
    return history if whole and history.get('iterations') and history.get('window') else None


def training(plan: dict[str, Any], records: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What the histories of the plan's runs say.

    Args:
        plan: The suite's plan; empty for a bare table.
        records: The runs' records, each with its ``history`` where it has one.

    Returns:
        By condition and method: median and range over seeds of L_R, of the validation error and of each regulariser's
        gradient ratio, against progress; None where no run has a history.
    """
    runs = {str(run.get('id')): run for run in plan.get('runs', [])}
    done = [record for record in records if str(record.get('id')) in runs and record.get('state') == 'done']
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for record in done:
        if record.get('history'):
            run = runs[str(record['id'])]
            methods = found.setdefault(str(run['condition']), {})
            methods.setdefault(str(run['method']), []).append(record['history'])
    if not found:
        return None
    return {
        'runs': len(done), 'with_history': sum(len(own) for methods in found.values() for own in methods.values()),
        'readings': [{'below': limit if math.isfinite(limit) else None, 'reading': text} for limit, text in READINGS],
        'conditions': {condition: {method: _block(own) for method, own in methods.items()}
                       for condition, methods in found.items()},
    }


def _block(histories: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One method under one condition.

    Args:
        histories: Of its runs, one per seed.
    """
    losses = [series for history in histories if (series := _every(history)) is not None]
    checks = [series for history in histories if (series := _now_and_then(history, 'validation', VALIDATION))]
    names = sorted({key.partition('_')[2] for history in histories for part in ('train', 'measured')
                    for key in history[part] if key.startswith(('raw_', 'ratio_'))})
    return {
        'n_seeds': len(histories),
        'iterations': max(history['iterations'] for history in histories),
        'epochs': max(history.get('epochs') or 0 for history in histories),
        'loss': _curve(losses, np.mean),
        'final_loss': _over_seeds([float(np.mean(_late(series, 0.9))) for series in losses if _late(series, 0.9)]),
        'validation': _curve(checks, np.mean),
        'final_validation': _over_seeds([values[-1] for _, values in checks]),
        'validation_unit': UNIT,
        'regularisers': {name: _regulariser([series for history in histories
                                             if (series := _now_and_then(history, 'measured', f'ratio_{name}'))])
                         for name in names},
    }


def _regulariser(ratios: Sequence[Series]) -> dict[str, Any]:
    """A regulariser's gradient ratio; empty where it was not measured, such as on a frozen encoder."""
    late = [_late(series, 0.5) for series in ratios]
    half = _over_seeds([np.median(values) for values in late if values])
    return {'ratio': _curve(ratios, np.median), 'last_half': half, 'n_late': sum(map(len, late)),
            'reading': None if half is None else next(text for limit, text in READINGS if half['median'] < limit)}


def _every(history: dict[str, Any]) -> Series | None:
    """Progress and value of L_R, or of the whole loss where it has no name of its own."""
    values = history['train'].get(LOSS) or history['train'].get('loss')
    if not values:
        return None
    ends = np.minimum(np.arange(len(values) + 1) * history['window'], history['iterations'])
    return _known((ends[:-1] + ends[1:]) / 2 / history['iterations'], values)


def _now_and_then(history: dict[str, Any], part: str, key: str) -> Series | None:
    """Progress and value of what is measured now and then."""
    one = history[part].get(key)
    return _known(np.asarray(one['iteration']) / history['iterations'], one['value']) if one else None


def _known(progress: Floats, values: Sequence[float | None]) -> Series | None:
    """Without the values that were not finite."""
    # A file's content: one value too few is no reason to say nothing of the others.
    pairs = [(float(p), v) for p, v in zip(progress, values, strict=False) if v is not None]
    return ([p for p, _ in pairs], [v for _, v in pairs]) if pairs else None


def _late(series: Series, since: float) -> list[float]:
    return [value for progress, value in zip(*series, strict=True) if progress >= since]


def _curve(seeds: Sequence[Series], mean: Any) -> dict[str, list[float]] | None:
    """Median, lowest and highest over seeds against progress, at most 40 points; ``mean`` sums up within a point."""
    if not seeds:
        return None
    places = seeds[0][0]
    if len(places) > POINTS or any(progress != places for progress, _ in seeds):
        bins = min(POINTS, *(len(progress) for progress, _ in seeds))
        where = [np.minimum((np.asarray(progress) * bins).astype(int), bins - 1) for progress, _ in seeds]
        kept = [b for b in range(bins) if all((own == b).any() for own in where)]
        places = [(b + 0.5) / bins for b in kept]
        table = np.array([[mean(np.asarray(values)[own == b]) for b in kept]
                          for own, (_, values) in zip(where, seeds, strict=True)])
    else:
        table = np.array([values for _, values in seeds], float)
    return {'progress': _short(places), 'median': _short(np.median(table, axis=0)), 'low': _short(table.min(axis=0)),
            'high': _short(table.max(axis=0))}


def _over_seeds(values: Sequence[float]) -> dict[str, float] | None:
    """Median and range."""
    if not values:
        return None
    return dict(zip(('median', 'low', 'high'), _short([np.median(values), min(values), max(values)]), strict=True))


def _short(values: Any) -> list[float]:
    """Six significant digits: a curve needs no more."""
    return [float(f'{value:.6g}') for value in values]
