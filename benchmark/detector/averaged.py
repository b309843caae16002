"""What averaging the seeds' heatmaps gives on a suite's test images, beside the networks that are averaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from scipy import stats

from benchmark.datasets.prepared import read_split

from .kept import NETWORK
from .loaded import DetectorError, Network, load_networks, untrained_by_any
from .photographs import Reading, Source, read_photograph
from .predictor import Predictor

#: How far a network's landmarks may lie from those of its run's test, in pixels of the prepared image.
SAME = 1e-3
#: In a suite's folder.
FILE = 'ensembles.json'
#: Photographs in a batch.
BATCH = 8


def averaged_suite(out: Path, level: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Averages the seeds of each method under each condition.

    Args:
        out: A suite's output folder.
        level: Of the intervals.
        say: Told which method is next, and why one is left out.

    Returns:
        Of each method and condition with at least two networks what :func:`compared` gives.

    Raises:
        DetectorError: It is no finished suite, there are nowhere two networks, or networks and data are not those of
            the runs.
    """
    try:
        plan = json.loads((out / 'plan.json').read_text(encoding='utf-8'))
        groups: dict[tuple[str, str], list[tuple[int, Path]]] = {}
        for run in plan['runs']:
            if 'trial' not in run:
                groups.setdefault((run['method'], run['condition']), []).append((run['seed'], out / run['folder']))
        root = Path(plan['data']['root'])
    except FileNotFoundError:
        raise DetectorError(f'{out}: holds no plan.json. Give the --out of a suite.') from None
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(f'{out / "plan.json"}: is damaged ({type(error).__name__}). Run the command that made it '
                            'again.') from None
    found = []
    for (method, condition), runs in groups.items():
        there = [(seed, folder) for seed, folder in runs
                 if (folder / NETWORK).is_file() and (folder / 'predictions.parquet').is_file()]
        if len(there) < 2:
            say(f'{method}, {condition}: {len(there)} of {len(runs)} seeds have a network; averaging needs two')
            continue
        say(f'{method}, {condition}: seeds {", ".join(str(seed) for seed, _ in there)}')
        networks = load_networks([folder / NETWORK for _, folder in there], 'cpu')
        tables = [pandas.read_parquet(folder / 'predictions.parquet') for _, folder in there]
        found.append(dict(method=method, condition=condition, seeds=[seed for seed, _ in there], planned=len(runs),
                          **compared(networks, tables, root, level)))
    if not found:
        raise DetectorError(f'{out}: no method has two networks. Run it with execution.keep_checkpoints=True and seeds '
                            'of 2 or more.')
    return found


def compared(networks: Sequence[Network], tables: Sequence[pandas.DataFrame], root: Path,
             level: float) -> dict[str, Any]:
    """Mean errors of an ensemble and of its members on the test images, in heatmap pixels, a subject counting once.

    The interval is Student's, over subjects, of the difference between the ensemble's mean error and the mean of its
    members': of these networks on new subjects. It says nothing of other seeds: an ensemble is one network.

    Args:
        networks: S members.
        tables: Their tests' predictions, in the same order.
        root: The prepared data set.
        level: Of the interval.

    Returns:
        ``images``, ``subjects``, ``level``, ``members`` (S mean errors), ``single`` (their mean), ``ensemble``,
        ``difference`` (ensemble less single) and ``interval``: two numbers, or None of one subject.

    Raises:
        DetectorError: A test image is gone, or a member gives other landmarks than its run's test.
    """
    paths = {record.file_name: record.path for record in read_split(root, 'test').records}
    names = list(dict.fromkeys(tables[0]['image']))
    if lost := [name for name in names if name not in paths]:
        raise DetectorError(f'{root}: has no test image {lost[0]}, on which the runs were tested. Bring the data back.')
    sources = [Source(name, paths[name]) for name in names]
    for network, table in zip(networks, tables, strict=True):
        apart = np.abs(_points([network], sources, table) - table[['x', 'y']].to_numpy()).max(axis=1)
        if not (apart <= SAME).all():
            image = table['image'].iloc[int(np.argmax(~(apart <= SAME)))]
            raise DetectorError(f"{network.path}: gives other landmarks than its run's test, such as on {image}: the "
                                'images have changed, or its test mirrors them. Nothing is averaged.')
    first = tables[0]
    moved = (_points(networks, sources, first) - first[['x_true', 'y_true']].to_numpy()) * \
        first[['scale_x', 'scale_y']].to_numpy()
    untrained = untrained_by_any(networks)
    ensemble, *members = (_by_subject(table, untrained)
                          for table in (first.assign(error=np.hypot(*moved.T)), *tables))
    differences = ensemble - sum(members) / len(members)
    count, middle = len(differences), float(differences.mean())
    half = None if count < 2 else float(stats.t.ppf(0.5 + level / 2, count - 1) * stats.sem(differences))
    means = [float(one.mean()) for one in members]
    return dict(images=len(names), subjects=count, level=level, members=means, single=sum(means) / len(means),
                ensemble=float(ensemble.mean()), difference=middle,
                interval=None if half is None else [middle - half, middle + half])


def _points(networks: Sequence[Network], sources: Sequence[Source], table: pandas.DataFrame) -> np.ndarray:
    """(N, 2): landmarks of the mean heatmaps, a row for each of a table's."""
    predictor, first = Predictor(networks), networks[0]
    reading = Reading(first.input_size, first.resize)
    found: dict[str, np.ndarray] = {}
    for start in range(0, len(sources), BATCH):
        part = sources[start:start + BATCH]
        predictions = predictor.predict([read_photograph(source, reading) for source in part])
        found |= {source.name: one.points for source, one in zip(part, predictions, strict=True)}
    place = {name: k for k, name in enumerate(first.scheme.landmarks)}
    return np.array([found[image][place[name]] for image, name in zip(table['image'], table['landmark'], strict=True)])


def _by_subject(table: pandas.DataFrame, untrained: set[str]) -> pandas.Series:
    """Mean error of each subject: over landmarks, then over images."""
    known = table[~table['landmark'].isin(untrained)]
    return known.groupby(['subject', 'image'])['error'].mean().groupby('subject').mean()
