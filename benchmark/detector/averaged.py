"""What averaging the seeds' heatmaps gives on a suite's test images, beside the networks that are averaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from scipy import stats

from benchmark.datasets.prepared import read_split
from benchmark.statistics.averaging import FILE, TABLE, WHOLE, read_ensembles
from benchmark.utils.files import atomic_path, file_digest, write_json

from .kept import NETWORK
from .loaded import DetectorError, Network, load_networks, untrained_by_any
from .photographs import Reading, Source, read_photograph
from .predictor import Members, Predictor

#: How far a network's landmarks may lie from those of its run's test, in pixels of the prepared image.
SAME = 1e-3
PREDICTIONS = 'predictions.parquet'
#: Photographs in a batch.
BATCH = 8
FORMAT = 2


def average(out: Path, level: float, say: Callable[[str], None],
            wanted: Collection[tuple[str, str]] | None = None) -> list[dict[str, Any]]:
    """Averages the seeds of each method under each condition; writes ``ensembles.json`` and ``ensembles.parquet``.

    What is there already of the same runs is kept. A method whose networks can't be averaged is told, with the others
    gone on with.

    Args:
        out: A suite's output folder.
        level: Of the intervals of ``ensembles.json``.
        say: Told which method is next, and why one is left out.
        wanted: Methods and conditions; None: all.

    Returns:
        Of each method and condition with at least two networks what :func:`compared` gives.

    Raises:
        DetectorError: It is no finished suite, or nothing can be averaged, with the first reason.
    """
    plan, groups = _runs(out)
    known, root = _known(out), Path(plan['data']['root'])
    found: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    tables: list[pandas.DataFrame] = []
    refused: list[str] = []
    for (method, condition), runs in groups.items():
        there = [(seed, folder) for seed, folder in runs
                 if (folder / NETWORK).is_file() and (folder / PREDICTIONS).is_file()]
        head = dict(method=method, condition=condition, seeds=[seed for seed, _ in there],
                    predictions=[file_digest(folder / PREDICTIONS) for _, folder in there])
        before = known.get((method, condition))
        current = before is not None and all(before[0][key] == head[key] for key in head)
        if not current and wanted is not None and (method, condition) not in wanted:
            continue
        own = [pandas.read_parquet(folder / PREDICTIONS) for _, folder in there]
        try:
            if len(there) < 2:
                raise _TooFew(f'{len(there)} of {len(runs)} seeds have a network; averaging needs two')
            if before is not None and current:
                table, untrained = before[1], set(before[0]['untrained'])
            else:
                say(f'{method}, {condition}: seeds {", ".join(str(seed) for seed, _ in there)}')
                networks = load_networks([folder / NETWORK for _, folder in there], 'cpu')
                table = averaged(networks, own, head['seeds'], root).assign(method=method, condition=condition)
                untrained = untrained_by_any(networks)
        except DetectorError as error:
            left_out.append(head | dict(reason=str(error)))
            refused += [] if isinstance(error, _TooFew) else [str(error)]
            say(f'{method}, {condition}: {error}')
            continue
        tables.append(table)
        found.append(head | dict(planned=len(runs), untrained=sorted(untrained))
                     | compared(table, own, untrained, level))
    if not found:
        raise DetectorError(refused[0] if refused else f'{out}: no method has two networks. Run it with '
                            'execution.keep_checkpoints=True and seeds of 2 or more.')
    with atomic_path(out / TABLE) as temporary:
        pandas.concat(tables, ignore_index=True).to_parquet(temporary, index=False)
    write_json(out / FILE, dict(format_version=FORMAT, unit='heatmap pixels', ensembles=found, left_out=left_out,
                                table_sha256=file_digest(out / TABLE)))
    return found


class _TooFew(DetectorError):
    """There are not two networks, which is nobody's fault."""


def _runs(out: Path) -> tuple[dict[str, Any], dict[tuple[str, str], list[tuple[int, Path]]]]:
    """The plan; and by method and condition the seeds with their runs' folders, of tuned methods the chosen trials'."""
    try:
        plan = json.loads((out / 'plan.json').read_text(encoding='utf-8'))
        tuning = out / 'tuning.json'
        chosen = {(group['chosen'], group['condition']) for group in
                  (json.loads(tuning.read_text(encoding='utf-8')) if tuning.is_file() else ())}
        groups: dict[tuple[str, str], list[tuple[int, Path]]] = {}
        for run in plan['runs']:
            if 'fold' in run:
                raise DetectorError(f'{out}: the networks of a cross-validation have each seen other images, so that '
                                    'none are averaged.')
            for condition in (run['condition'], *run.get('also', ())):
                if 'trial' not in run or (run['id'], condition) in chosen:
                    groups.setdefault((run['method'], condition), []).append((run['seed'], out / run['folder']))
    except FileNotFoundError:
        raise DetectorError(f'{out}: holds no plan.json. Give the --out of a suite.') from None
    except DetectorError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(f'{out / "plan.json"}: is damaged ({type(error).__name__}). Run the command that made it '
                            'again.') from None
    return plan, groups


def _known(out: Path) -> dict[tuple[str, str], tuple[Mapping[str, Any], pandas.DataFrame]]:
    """What lies there already, by method and condition."""
    found = read_ensembles(out)
    if not found or found.get('format_version') != FORMAT:
        return {}
    table = found['table']
    return {key: (one, table[(table['method'] == key[0]) & (table['condition'] == key[1])])
            for one in found['ensembles'] if (key := (one['method'], one['condition']))}


def averaged(networks: Sequence[Network], tables: Sequence[pandas.DataFrame], seeds: Sequence[int],
             root: Path) -> pandas.DataFrame:
    """Landmarks and errors of the mean heatmaps, of all networks and of all but one, on the test images.

    Args:
        networks: S members.
        tables: Their tests' predictions, in the same order.
        seeds: Theirs.
        root: The prepared data set.

    Returns:
        ``left_out`` (a seed, or -1: none), ``image``, ``subject``, ``landmark``, ``error`` (heatmap pixels), ``x``,
        ``y``; rows ordered as the first table's, S + 1 times.

    Raises:
        DetectorError: A test image is gone, or a member gives other landmarks than its run's test.
    """
    paths = {record.file_name: record.path for record in read_split(root, 'test').records}
    first = tables[0]
    names = list(dict.fromkeys(first['image']))
    if lost := [name for name in names if name not in paths]:
        raise DetectorError(f'{root}: has no test image {lost[0]}, on which the runs were tested. Bring the data back.')
    found = _members(networks, [Source(name, paths[name]) for name in names])
    place = {name: k for k, name in enumerate(networks[0].scheme.landmarks)}

    def points(table: pandas.DataFrame, of: Callable[[Members], np.ndarray]) -> np.ndarray:
        return np.array([of(found[image])[place[name]]
                         for image, name in zip(table['image'], table['landmark'], strict=True)])

    for number, (network, table) in enumerate(zip(networks, tables, strict=True)):
        apart = np.abs(points(table, lambda one, k=number: one.each[k]) - table[['x', 'y']].to_numpy()).max(axis=1)
        if not (apart <= SAME).all():
            image = table['image'].iloc[int(np.argmax(~(apart <= SAME)))]
            raise DetectorError(f"{network.path}: gives other landmarks than its run's test, such as on {image}: the "
                                'images have changed, or its test mirrors them. Nothing is averaged.')
    parts = []
    for place_, seed in enumerate((WHOLE, *seeds)):
        own = points(first, lambda one, k=place_ - 1: one.whole if k < 0 else one.without[k])
        moved = (own - first[['x_true', 'y_true']].to_numpy()) * first[['scale_x', 'scale_y']].to_numpy()
        parts.append(first[['image', 'subject', 'landmark']].assign(
            left_out=seed, error=np.hypot(*moved.T), x=own[:, 0], y=own[:, 1]))
    return pandas.concat(parts, ignore_index=True)


def _members(networks: Sequence[Network], sources: Sequence[Source]) -> dict[str, Members]:
    predictor, first = Predictor(networks), networks[0]
    reading = Reading(first.input_size, first.resize)
    found: dict[str, Members] = {}
    for start in range(0, len(sources), BATCH):
        part = sources[start:start + BATCH]
        several = predictor.members([read_photograph(source, reading) for source in part])
        found |= {source.name: one for source, one in zip(part, several, strict=True)}
    return found


def compared(table: pandas.DataFrame, tables: Sequence[pandas.DataFrame], untrained: set[str],
             level: float) -> dict[str, Any]:
    """Mean errors of an ensemble and of its members on the test images, in heatmap pixels, a subject counting once.

    The interval is Student's, over subjects, of the difference between the ensemble's mean error and the mean of its
    members': of these networks on new subjects. What it says of other seeds stands in the report
    (:mod:`benchmark.statistics.averaging`).

    Args:
        table: From :func:`averaged`.
        tables: The members' predictions.
        untrained: Landmarks that are left out.
        level: Of the interval.

    Returns:
        ``images``, ``subjects``, ``level``, ``members`` (S mean errors), ``single`` (their mean), ``ensemble``,
        ``difference`` (ensemble less single) and ``interval``: two numbers, or None of one subject.
    """
    ensemble, *members = (_by_subject(one, untrained) for one in (table[table['left_out'] == WHOLE], *tables))
    differences = ensemble - sum(members) / len(members)
    count, middle = len(differences), float(differences.mean())
    half = None if count < 2 else float(stats.t.ppf(0.5 + level / 2, count - 1) * stats.sem(differences))
    means = [float(one.mean()) for one in members]
    return dict(images=table['image'].nunique(), subjects=count, level=level, members=means,
                single=sum(means) / len(means), ensemble=float(ensemble.mean()), difference=middle,
                interval=None if half is None else [middle - half, middle + half])


def _by_subject(table: pandas.DataFrame, untrained: set[str]) -> pandas.Series:
    """Mean error of each subject: over landmarks, then over images."""
    known = table[~table['landmark'].isin(untrained)]
    return known.groupby(['subject', 'image'])['error'].mean().groupby('subject').mean()
