"""Results table and plan to the content of ``analysis.json``.

Two standard deviations are kept apart everywhere:

- ``seed_sd``: over seeds, of the seeds' means over images (ddof 1; null for one seed);
- ``image_sd``: over images, of the images' scores averaged over seeds (ddof 1; null for one image).

No interval and no test is computed here: differences are descriptive.
"""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .endpoints import DECODER_FLOOR, ENDPOINTS, ced, ced_points, image_scores
from .layout import Layout, common_images, make_layout, run_notes, some, summarize_runs
from .samples import sample_images
from .table import TableError

SCHEMA_VERSION = 1
SCHEMA = Path(__file__).with_name('schema.json')
THRESHOLD = 1.2
HEATMAP_UNIT = 'heatmap px'
TIE = 1e-12
VALUE_LABEL = 'labelled training images'


def summarize(
    table: pd.DataFrame,
    plan: dict[str, Any] | None = None,
    records: Sequence[dict[str, Any]] = (),
    threshold: float | None = None,
) -> dict[str, Any]:
    """Summarise a results table.

    Args:
        table: A validated results table.
        plan: The suite's plan, or None for a bare table.
        records: The runs' records.
        threshold: Failure threshold, before the plan's ``analysis.threshold`` and 1.2.

    Returns:
        The content of ``analysis.json`` (see ``schema.json``).

    Raises:
        TableError: The threshold is not above 0, or a condition has no image that all its runs have scored.
    """
    plan = plan or {}
    declared = plan.get('analysis', {})
    threshold = _threshold(declared.get('threshold', THRESHOLD) if threshold is None else threshold)
    unit = str(declared.get('unit') or ('units of the error' if not plan else HEATMAP_UNIT))
    layout = make_layout(table, plan)
    notes = list(layout.notes)
    conditions = _conditions(table, layout, threshold, notes)
    runs = summarize_runs(plan, records, table)
    main = conditions[layout.main]
    rows = table[(table['condition'] == layout.main) & table['image'].isin(set(main['images']))]
    data = plan.get('data') or {}
    return _plain(
        {
            'schema_version': SCHEMA_VERSION,
            'suite': str(plan.get('suite') or 'results'),
            'title': str(plan.get('title') or 'Comparison of methods'),
            'question': str(plan.get('question') or ''),
            'caution': str(plan.get('caution') or ''),
            'design': str(declared.get('design') or 'nested'),
            'unit': unit,
            'threshold': threshold,
            'proposed': _known('proposed', declared, layout, notes),
            'reference': _known('reference', declared, layout, notes),
            'main_condition': layout.main,
            'order': {'methods': [*layout.methods], 'conditions': [*layout.conditions]},
            'endpoints': _describe_endpoints(main['methods'], unit),
            'methods': main['methods'],
            'conditions': conditions,
            'ranking': _ranking(main['methods'], _known('reference', declared, layout, [])),
            'learning_curve': _learning_curve(
                conditions, layout, str(declared.get('value_label') or VALUE_LABEL)
            ),
            'landmarks': _landmarks(rows, layout, data.get('landmarks') or []),
            'decoder_floor': _floor() if unit == HEATMAP_UNIT else None,
            'samples': sample_images(rows, [*layout.methods]),
            'runs': runs,
            'counts': {
                'methods': len(layout.methods),
                'conditions': len(layout.conditions),
                'images': main['n_images'],
                'seeds': max(block['n_seeds_planned'] for block in main['methods'].values()),
                'landmarks': int(rows['landmark'].nunique()) if 'landmark' in rows.columns else None,
            },
            'notes': notes + run_notes(runs),
            'data': data,
            'source': plan.get('source') or None,
            'settings': plan.get('settings') or {},
        }
    )


def write_json(content: dict[str, Any], path: str | Path) -> Path:
    """Write JSON atomically: the same content gives the same bytes, and NaN becomes null.

    Lists of numbers take one line each, so that a person can read the file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_plain(content), sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
    text = (
        re.sub(r'\[\n\s+([^\[\]{}"]+?)\n\s+\]', lambda found: f'[{" ".join(found[1].split())}]', text) + '\n'
    )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'w', encoding='utf-8') as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _threshold(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value <= 0
    ):
        raise TableError(f'threshold: {value!r} is not a number above 0; give it in the unit of the errors')
    return float(value)


def _known(role: str, declared: dict[str, Any], layout: Layout, notes: list[str]) -> str | None:
    """The method that the plan names for a role; None, and a note, where there is no such method."""
    name = declared.get(role)
    if name is None or str(name) in layout.methods:
        return None if name is None else str(name)
    notes.append(f'The {role} method of the plan, {name}, is not among the methods: {some([*layout.methods], 99)}.')
    return None


def _floor() -> dict[str, Any]:
    return {
        'value': DECODER_FLOOR,
        'unit': HEATMAP_UNIT,
        'description': 'Expected error of a plain argmax on a perfect heatmap: the mean distance from a '
        'uniform point to the centre of its pixel, (sqrt(2) + asinh(1)) / 6.',
    }


def _conditions(table: pd.DataFrame, layout: Layout, threshold: float, notes: list[str]) -> dict[str, Any]:
    scores = image_scores(table, threshold)
    points = ced_points(scores['ME'].to_numpy(), threshold)
    blocks: dict[str, Any] = {}
    for name, described in layout.conditions.items():
        rows = table[table['condition'] == name]
        images, dropped = common_images(rows) if len(rows) else ([], [])
        if len(rows) and not images:
            raise TableError(
                f'condition {name}: no image has the same landmarks in every run; score all runs on the '
                'same test images'
            )
        if dropped:
            notes.append(
                f'{described["label"]}: {len(dropped)} image{"s" if len(dropped) > 1 else ""} left out, '
                f'because not every run has scored all landmarks of it: {some(dropped)}.'
            )
        here = scores[(scores['condition'] == name) & scores['image'].isin(set(images))]
        methods, curves = {}, {}
        for method, about in layout.methods.items():
            own = here[here['method'] == method]
            methods[method] = {
                **about,
                'n_seeds_planned': layout.planned[name, method],
                **_method_block(own, images, f'{about["label"]}, {described["label"]}', notes),
            }
            if len(own):
                curves[method] = _ced(own, points)
        blocks[name] = {
            **described,
            'methods': methods,
            'ced': curves,
            'images': images,
            'dropped_images': dropped,
            'n_images': len(images),
        }
    if len({tuple(block['images']) for block in blocks.values() if block['images']}) > 1:
        notes.append(
            'The conditions were not scored on the same images; compare methods within a condition only.'
        )
    return blocks


def _method_block(own: pd.DataFrame, images: list[str], name: str, notes: list[str]) -> dict[str, Any]:
    """Endpoints of one method under one condition. Matrices are seeds x images."""
    if own.empty:
        return {'n_seeds': 0, 'seeds': [], 'n_images': 0, 'endpoints': {}}
    seeds = sorted(own['seed'].unique().tolist())
    endpoints, partial = {}, {}
    for endpoint in ENDPOINTS:
        if endpoint not in own.columns:
            continue
        matrix = own.pivot(index='seed', columns='image', values=endpoint).loc[seeds, images].to_numpy()
        known = np.isfinite(matrix).all(axis=0)
        if known.any():
            endpoints[endpoint] = _moments(matrix[:, known])
            if not known.all():
                partial[endpoint] = int(known.sum())
        if endpoint == 'ME':
            _warn_copies(matrix, seeds, name, notes)
    for endpoint, count in partial.items():
        notes.append(f'{name}: {endpoint} is over {count} of {len(images)} images; the others lack what it needs.')
    return {'n_seeds': len(seeds), 'seeds': seeds, 'n_images': len(images), 'endpoints': endpoints}


def _moments(matrix: np.ndarray) -> dict[str, Any]:
    seeds, images = matrix.shape
    per_seed = matrix.mean(axis=1)
    return {
        'mean': float(per_seed.mean()),
        'seed_sd': float(per_seed.std(ddof=1)) if seeds > 1 else None,
        'image_sd': float(matrix.mean(axis=0).std(ddof=1)) if images > 1 else None,
        'n_seeds': seeds,
        'n_images': images,
        'per_seed': per_seed.tolist(),
    }


def _warn_copies(matrix: np.ndarray, seeds: list[int], name: str, notes: list[str]) -> None:
    first: dict[bytes, int] = {}
    for seed, row in zip(seeds, matrix):
        twin = first.setdefault(np.ascontiguousarray(row).tobytes(), seed)
        if twin != seed:
            notes.append(
                f'{name}: seeds {twin} and {seed} have identical results; a copy is no repetition, and the '
                'seed SD is too small.'
            )


def _ced(own: pd.DataFrame, points: np.ndarray) -> dict[str, Any]:
    curves = {int(seed): ced(rows['ME'].to_numpy(), points) for seed, rows in own.groupby('seed', sort=True)}
    stack = np.stack([*curves.values()])
    return {
        'x': points.tolist(),
        'per_seed': {str(seed): curve.tolist() for seed, curve in curves.items()},
        'mean': stack.mean(axis=0).tolist(),
        'low': stack.min(axis=0).tolist(),
        'high': stack.max(axis=0).tolist(),
    }


def _describe_endpoints(methods: dict[str, Any], unit: str) -> dict[str, Any]:
    units = {
        'FR': 'share of images',
        'AUC': 'share of the area',
        'NME': 'share of the inter-ocular distance',
        'ME_input': 'input px',
        'ME_mm': 'mm',
    }
    there = {name for block in methods.values() for name in block['endpoints']}
    return {
        name: {'label': label, 'unit': units.get(name, unit), 'description': text, 'better': better}
        for name, (label, text, better) in ENDPOINTS.items()
        if name in there
    }


def _ranking(methods: dict[str, Any], reference: str | None) -> dict[str, Any]:
    """The order by ME as it fell, and how far the first is from the reference. Descriptive."""
    means = {name: block['endpoints']['ME']['mean'] for name, block in methods.items() if block['n_seeds']}
    order = sorted(means, key=lambda name: (means[name], [*methods].index(name)))
    ties = [[a, b] for a, b in zip(order, order[1:]) if means[b] - means[a] <= TIE]
    base = means.get(reference) if reference else None
    return {
        'endpoint': 'ME',
        'order': order,
        'ties': ties,
        'first': order[0],
        'reference': reference if base is not None else None,
        'difference': means[order[0]] - base if base is not None else None,
        'relative_difference': (means[order[0]] - base) / base if base else None,
    }


def _learning_curve(conditions: dict[str, Any], layout: Layout, label: str) -> dict[str, Any] | None:
    """ME against the conditions' values, where at least two of them are numbers."""
    numeric = [
        (block['value'], name)
        for name, block in conditions.items()
        if isinstance(block['value'], (int, float)) and not isinstance(block['value'], bool)
    ]
    if len({value for value, _ in numeric}) < 2:
        return None
    numeric.sort(key=lambda pair: pair[0])
    lines = {}
    for method in layout.methods:
        cells = [conditions[name]['methods'][method] for _, name in numeric]
        lines[method] = {
            **{
                key: [cell['endpoints'].get('ME', {}).get(key) for cell in cells]
                for key in ('mean', 'seed_sd')
            },
            'n_seeds': [cell['n_seeds'] for cell in cells],
        }
    return {
        'endpoint': 'ME',
        'label': label,
        'x': [value for value, _ in numeric],
        'conditions': [name for _, name in numeric],
        'methods': lines,
    }


def _landmarks(rows: pd.DataFrame, layout: Layout, declared: Sequence[str]) -> dict[str, Any] | None:
    """Mean error per method and landmark: over images, then over seeds (main condition)."""
    if 'landmark' not in rows.columns:
        return None
    found = set(rows['landmark'])
    names = [name for name in map(str, declared) if name in found]
    names += sorted(found - set(names))
    per_seed = rows.groupby(['method', 'landmark', 'seed'], sort=True)['error'].mean()
    table = per_seed.groupby(level=['method', 'landmark'], sort=True).agg(['mean', 'std'])
    images = rows.groupby('landmark')['image'].nunique()
    return {
        'names': names,
        'n_images': {name: int(images[name]) for name in names},
        'methods': {
            method: {
                name: {
                    'mean': float(table.loc[(method, name), 'mean']),
                    'seed_sd': float(table.loc[(method, name), 'std']),
                }
                for name in names
            }
            for method in layout.methods
            if method in table.index.get_level_values('method')
        },
    }


def _plain(value: Any) -> Any:
    """Python objects only; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, str) else str(value)
