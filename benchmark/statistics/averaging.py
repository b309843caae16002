"""What averaging the networks of a method's seeds gives, and what that says of other networks.

S: seeds, N: images, Y[s,i]: mean error of network s, E[i]: of the mean heatmaps of all S, L[s,i]: of those without s.

An ensemble of S seeds is one network with one result, so it has no seeds whose spread could be seen, and is no method
among the others. In the networks scope it stands beside the mean of its members: t over images of E[i] - Y[.,i]. For
the procedure, *train S networks and average them*, the spread over seeds is that of the jackknife. The table::

    Q[s,i] = E[i] - (S - 1) (L[s,i] - L[.,i])

has the mean E[i] over s, and MS_seed / (S N) of it is the jackknife's variance (S - 1) / S sum (L[s,.] - L[.,.])^2,
which on average is not below the variance of S - 1 averaged networks (Efron and Stein 1981). So the crossed engine
takes Q in the place of Y; were E the mean of Y, Q would be Y. With two seeds L is one network, which says nothing of
two: procedures take three. How often the intervals hold: ``docs/validation.md``, Averaged networks.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .arrays import Floats
from .crossed import Block, contrast, mean
from .endpoints import failures
from .estimates import Estimate
from .options import Options
from .scores import Scores
from .terms import NETWORKS, PAIRED, PROCEDURE, SCOPES

#: In a suite's folder: which networks were averaged, and the errors.
FILE, TABLE = 'ensembles.json', 'ensembles.parquet'
#: In the column ``left_out``: nothing was.
WHOLE = -1
#: Seeds from which on something is said of procedures.
FEWEST = 3
OLDER = 'its networks were averaged before these results were there: run the suite again, or tools/average.py'


def read_ensembles(folder: Path) -> dict[str, Any] | None:
    """What a suite's networks give together: ``ensembles.json`` with its ``table``; None where that is not there whole.

    Args:
        folder: The suite's.
    """
    try:
        found = json.loads((folder / FILE).read_text(encoding='utf-8'))
        content = (folder / TABLE).read_bytes()
        if hashlib.sha256(content).hexdigest() != found['table_sha256']:
            return None
        return {**found, 'table': pd.read_parquet(io.BytesIO(content))}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def pseudo_values(whole: Floats, without: Floats) -> Floats:
    """Q (S, N) of E (N,) and L (S, N): a score of each seed whose mean is E and whose spread is the jackknife's."""
    found: Floats = whole - (len(without) - 1) * (without - without.mean(axis=0))
    return found


def averaging(ensembles: Mapping[str, Any] | None, plan: Mapping[str, Any], records: Sequence[Mapping[str, Any]],
              rows: pd.DataFrame, main: Scores, condition: str, pairs: Sequence[tuple[str, str]],
              options: Options) -> dict[str, Any] | None:
    """Errors of averaged networks beside those of single ones, and the planned pairs of them, main condition.

    Args:
        ensembles: From :func:`read_ensembles`.
        plan: The suite's plan.
        records: The runs' records.
        rows: That condition's rows.
        main: Its scores.
        condition: Its name.
        pairs: Planned pairs.
        options: Level and design.

    Returns:
        The block of ``analysis.json``; None where nothing was averaged.
    """
    if ensembles is None or main.folds or 'landmark' not in rows.columns or options.threshold is None:
        return None
    digests = {str(record.get('id')): record.get('result_sha256') for record in records}
    runs = {(str(run['method']), int(run['seed'])): digests.get(str(run.get('id'))) for run in plan.get('runs', [])
            if run['condition'] == condition}
    reasons = {one['method']: one['reason'] for one in ensembles['left_out'] if one['condition'] == condition}
    groups = {one['method']: one for one in ensembles['ensembles'] if one['condition'] == condition}
    tables: dict[str, tuple[Block, Block | None, Block]] = {}
    methods: dict[str, Any] = {}
    for method, seeds in main.seeds.items():
        if (group := groups.get(method)) is None:
            continue
        known = {seed: runs.get((method, seed)) for seed in seeds}
        if dict(zip(group['seeds'], group['predictions'], strict=True)) != known:
            reasons[method] = OLDER
            continue
        found = None if method in main.absent else _errors(ensembles['table'], method, condition, rows, main, seeds)
        if found is None:
            reasons[method] = 'some of its predictions are missing'
            continue
        whole, without = found
        single = main.values['ME'][method]
        together = _block(main, whole[None])
        procedure = _block(main, pseudo_values(whole, without)) if len(seeds) >= FEWEST else None
        tables[method] = together, procedure, main.block('ME', method)
        gain = {NETWORKS: mean(_block(main, (whole - single.mean(axis=0))[None])),
                PROCEDURE: mean(_block(main, pseudo_values(whole, without) - single)) if procedure else None}
        methods[method] = {
            'n_seeds': len(seeds), 'single': float(main.block('ME', method).images.mean()),
            'ensemble': float(together.images.mean()), 'gain': _told(gain, options),
            'failures_single': float(main.block('FR', method).images.mean()),
            'failures': float(_block(main, failures(whole, options.threshold)[None], 'FR').images.mean())}
    return {'methods': methods, 'reasons': reasons, 'n_units': main.block('ME', main.methods[0]).n_images,
            'contrasts': [_contrast(tables[a], tables[b], a, b, main, options) for a, b in pairs
                          if a in tables and b in tables]}


def _block(main: Scores, values: Floats, endpoint: str = 'ME') -> Block:
    return Block(main.by_unit(values, main.kept[endpoint]))


def _errors(table: pd.DataFrame, method: str, condition: str, rows: pd.DataFrame, main: Scores,
            seeds: Sequence[int]) -> tuple[Floats, Floats] | None:
    """E (N,) and L (S, N) over the landmarks and images that are analysed; None where one of them lacks a number."""
    own = table[(table['method'] == method) & (table['condition'] == condition)]
    images = [image for image, kept in zip(main.images, main.kept['ME'], strict=True) if kept]
    expected = rows.loc[rows['image'].isin(set(images)), ['image', 'landmark']].drop_duplicates()
    wide = own.set_index(['left_out', 'image', 'landmark'])['error'].unstack(['image', 'landmark'])
    wide = wide.reindex(index=[WHOLE, *seeds], columns=pd.MultiIndex.from_frame(expected))
    if wide.isna().to_numpy().any():
        return None
    found: Floats = wide.T.groupby(level='image', observed=True).mean().loc[images].T.to_numpy(np.float64)
    return found[0], found[1:]


def _contrast(first: tuple[Block, Block | None, Block], second: tuple[Block, Block | None, Block], a: str, b: str,
              main: Scores, options: Options) -> dict[str, Any]:
    """a's ensemble minus b's, beside their mean networks' difference."""
    (one, own, single), (other, their, mean_single) = first, second
    alike = options.design != PAIRED or main.seeds[a] == main.seeds[b]
    both = {NETWORKS: contrast(one, other, NETWORKS),
            PROCEDURE: contrast(own, their, PROCEDURE, options.design) if own and their and alike else None}
    return {'a': a, 'b': b, 'single': float(single.images.mean() - mean_single.images.mean()), **_told(both, options)}


def _told(found: Mapping[str, Estimate | None], options: Options) -> dict[str, Any]:
    """The estimate, and its interval in each scope; None where nothing can be said."""
    networks = found[NETWORKS]
    assert networks is not None
    told: dict[str, Any] = {'estimate': float(networks.estimate)}
    for scope in SCOPES:
        one = found[scope]
        ends = (np.nan, np.nan) if one is None else one.interval(1 - options.alpha)
        told[scope] = {'low': float(ends[0]), 'high': float(ends[1])} if np.isfinite(ends).all() else None
    return told
