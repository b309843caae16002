"""The analysed table as other packages take it: ``wide.csv`` and ``long.csv``.

Both hold what the contrasts of the primary endpoint are computed from: the main condition, the images that count,
errors averaged over landmarks, missing predictions as they were filled in. In a paired design a contrast is over the
seeds that both methods have; both files hold all seeds of each method.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from benchmark.utils.files import write_bytes

from .fold_tables import FOLD, REPETITION
from .scores import Scores

#: Folder of both files, in that of ``analysis.json``, where no table of the user's lies.
FOLDER = 'elsewhere'


def write_elsewhere(folder: Path, scores: Scores) -> None:
    """Writes ``elsewhere/wide.csv`` and ``elsewhere/long.csv``.

    Args:
        folder: Folder of ``analysis.json``.
        scores: Of the main condition.
    """
    for name, table in (('wide', wide(scores)), ('long', long(scores))):
        stream = io.BytesIO()
        csv.write_csv(table, stream)  # type: ignore[attr-defined]
        write_bytes(folder / FOLDER / f'{name}.csv', stream.getvalue())


def wide(scores: Scores) -> pa.Table:
    """A row per image, or per subject where some have several images, and a column per method: its mean over seeds.

    Rows are independent blocks, as rank tests and paired tests take them.
    """
    return pa.table([pa.array(scores.unit_names(scores.primary), pa.string()),
                     *(scores.block(scores.primary, name).images for name in scores.methods)],
                    [scores.unit, *scores.methods])


def long(scores: Scores) -> pa.Table:
    """A row per method, seed (repetition) and image, with its value; ``subject`` and ``fold`` where there are such.

    ``tools/analyze.py`` reads it again, with the same contrasts.
    """
    primary, names = scores.primary, scores.methods
    kept = scores.kept[primary]
    images = np.array(scores.images, dtype=object)[kept]
    counts = [len(scores.seeds[name]) for name in names]
    runs, total = sum(counts), len(images)
    columns = {
        'method': np.repeat(np.array(names, dtype=object), np.array(counts) * total),
        REPETITION if scores.folds else 'seed': np.repeat([seed for name in names for seed in scores.seeds[name]],
                                                          total),
        'image': np.tile(images, runs),
    }
    if scores.fold_of:
        columns[FOLD] = np.concatenate([scores.fold_of[name][:, kept].ravel() for name in names])
    if scores.subjects is not None:
        subjects = [text.removeprefix('subject ') if text.startswith('subject ') else '' for text in scores.subjects]
        columns['subject'] = np.tile(np.array(subjects, dtype=object)[kept], runs)
    values = [scores.values[primary][name].ravel() for name in names]
    columns['error' if primary == 'ME' else primary] = np.concatenate(values)
    return pa.table(columns)
