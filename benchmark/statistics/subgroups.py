"""Is the difference the same in all strata of the images? Declared columns only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .arrays import Masks, Objects
from .crossed import Block, contrast, image_differences, mean_squares
from .errors import TableError
from .estimates import Estimate, of_parts
from .folds import inflation
from .layout import some
from .options import Options
from .parts import Part
from .rank_tests import holm
from .scores import Scores
from .table import GROUP, KEYS
from .terms import NESTED, NETWORKS, PAIRED, PROCEDURE, SCOPES, Design, Scope

#: Fewer images (subjects) give neither interval nor test: their variance is hardly known.
LEAST = 5


def subgroups(rows: pd.DataFrame, scores: Scores, pairs: Sequence[tuple[str, str]], options: Options,
              notes: list[str]) -> list[dict[str, Any]]:
    """The planned contrasts per stratum of each declared column, and their interactions.

    Args:
        rows: The main condition's rows.
        scores: Its scores.
        pairs: Planned pairs.
        options: Names the columns.
        notes: Sentences on strata that are too small are appended.

    Returns:
        Per column: ``strata`` with each stratum's number of units and each method's mean; ``contrasts`` per stratum,
        pair and scope; ``interactions``: the difference in the stratum minus that in all others, Holm over strata.
        Strata of fewer than five units have neither intervals nor p-values.

    Raises:
        TableError: A declared column is not in the table, or an image (subject) is in two strata.
    """
    found, endpoint = [], scores.primary
    for name in options.groups:
        if name in (*KEYS, 'error'):
            raise TableError(f'groups: {name} is no column of groups')
        column = next((column for column in (name, GROUP + name) if column in rows.columns), None)
        if column is None:
            there = [column for column in rows.columns if column.startswith(GROUP)]
            raise TableError(f'groups: no column {name} in the table; columns of groups are '
                             f'{some(there, 20) or "none"}: correct the name or leave it out')
        labels = _labels(rows, scores, column)
        strata = [label for label in sorted(set(labels)) if label]
        if without := int((labels == '').sum()):
            notes.append(f'{column.removeprefix(GROUP)}: {without} of {len(labels)} {scores.unit}s have no value and '
                         'are in no subgroup.')
        small = [label for label in strata if (labels == label).sum() < 2]
        if small:
            notes.append(f'{column.removeprefix(GROUP)}: {some(small)} left out of the subgroups, with fewer than two '
                         f'{scores.unit}s.')
        strata = [label for label in strata if label not in small]
        counts = {label: int((labels == label).sum()) for label in strata}
        if few := [label for label in strata if counts[label] < LEAST]:
            notes.append(f'{column.removeprefix(GROUP)}: {some(few)} with fewer than {LEAST} {scores.unit}s: means and '
                         'differences are shown, without intervals and tests.')
        blocks = {pair: scores.pair(endpoint, *pair, options.design) for pair in pairs}
        found.append({
            'column': column.removeprefix(GROUP), 'endpoint': endpoint, 'unit': scores.unit,
            'strata': [{'name': label, 'n_units': int((labels == label).sum()),
                        'means': {method: float(scores.block(endpoint, method).images[labels == label].mean())
                                  for method in scores.methods}} for label in strata],
            'contrasts': [_entry(label, pair, scope, _within(blocks[pair], labels == label, scope, options), options,
                                 counts[label])
                          for scope in SCOPES for pair in pairs for label in strata],
            'interactions': [entry for scope in SCOPES for pair in pairs
                             for entry in _interactions(blocks[pair], labels, strata, pair, scope, options)],
        })
    return found


def _labels(rows: pd.DataFrame, scores: Scores, column: str) -> Objects:
    """The stratum of each unit (image or subject); '' where it has none."""
    pairs = rows[['image', column]].drop_duplicates()
    label = pairs[column].map(lambda value: '' if pd.isna(value) else str(value))
    pairs = pairs.assign(**{column: label}).drop_duplicates()
    if pairs['image'].duplicated().any():
        twice = pairs['image'][pairs['image'].duplicated()]
        raise TableError(f'field {column}: image {twice.iloc[0]} is in two strata; an image has one value in all runs')
    by_image = pairs.set_index('image')[column].to_dict()
    labels = np.array([by_image.get(image, '') for image in scores.images], dtype=object)
    if scores.subjects is None:
        return labels
    found = []
    for subject in np.unique(scores.subjects):
        own = set(labels[scores.subjects == subject])
        if len(own) > 1:
            raise TableError(f'field {column}: the images of {subject} are in several strata ({some(sorted(own))}); '
                             'a subject has one value')
        found.append(own.pop())
    return np.array(found, dtype=object)


def _within(blocks: tuple[Block, Block], mask: Masks, scope: Scope, options: Options) -> Estimate:
    a, b = (Block(block.values[:, mask], block.folds) for block in blocks)
    return contrast(a, b, scope, options.design)


def _interactions(blocks: tuple[Block, Block], labels: Objects, strata: Sequence[str], pair: tuple[str, str],
                  scope: Scope, options: Options) -> list[dict[str, Any]]:
    """Stratum minus rest; with two strata there is one interaction."""
    used = [label for label in strata if ((labels != label) & (labels != '')).sum() >= 2]
    used = used[:1] if len(used) == 2 == len(strata) else used
    estimates = [interaction(*blocks, labels == label, (labels != label) & (labels != ''), scope, options.design)
                 for label in used]
    sizes = [min((labels == label).sum(), ((labels != label) & (labels != '')).sum()) for label in used]
    entries = [_entry(label, pair, scope, one, options, size)
               for label, one, size in zip(used, estimates, sizes, strict=True)]
    for entry, p in zip(entries, holm([float(entry['p']) for entry in entries]), strict=True):
        entry['p_adjusted'] = p
    return entries


def interaction(a: Block, b: Block, inside: Masks, outside: Masks, scope: Scope,
                design: Design = NESTED) -> Estimate:
    """(a - b) inside minus (a - b) outside.

    The images' share of the variance is var(D) / N summed over both groups, with Satterthwaite's degrees of freedom. In
    the procedure scope the seeds' part comes from each seed's own difference of the two group means, and the residuals,
    pooled within the groups, are taken out of the images' share, as in :mod:`.crossed`. In a cross-validation the
    images' share is multiplied as :mod:`.folds` has it.

    Args:
        a: Block (S, N).
        b: Block (S, N).
        inside: Mask of the images of the stratum.
        outside: Mask of the others.
        scope: ``procedure`` or ``networks``.
        design: ``nested`` or ``paired``.
    """
    difference = image_differences(a, b)
    groups = (inside, outside)
    counts = [int(mask.sum()) for mask in groups]
    shares = [difference[mask].var(ddof=1) / count for mask, count in zip(groups, counts, strict=True)]
    mean = np.float64(difference[inside].mean() - difference[outside].mean())
    weight = sum(share**2 / (count - 1) for share, count in zip(shares, counts, strict=True))
    size = max(float(a.size), float(b.size))
    images = Part(np.float64(sum(shares)), np.float64(sum(shares) ** 2 / weight if weight > 0 else sum(counts) - 2))
    if a.folds:
        if scope == NETWORKS:
            return Estimate(mean, np.float64(np.nan), np.float64(np.nan))
        return of_parts(mean, Part(inflation(a.folds) * images.variance, images.df), [], [], size)
    seeds, noise = [], []
    if scope == PROCEDURE:
        for values in [a.values - b.values] if design == PAIRED else [a.values, b.values]:
            n_seeds = len(values)
            if n_seeds < 2:
                return Estimate(mean, np.float64(np.nan), np.float64(np.nan))
            own = values[:, inside].mean(axis=1) - values[:, outside].mean(axis=1)
            df = (n_seeds - 1) * (sum(counts) - 2)
            residual = sum(float(mean_squares(values[:, mask]).residual) * (n_seeds - 1) * (count - 1)
                           for mask, count in zip(groups, counts, strict=True)) / df
            seeds.append(Part(own.var(ddof=1) / n_seeds, np.float64(n_seeds - 1)))
            noise.append(Part(np.float64(residual * sum(1 / count for count in counts) / n_seeds), np.float64(df)))
    return of_parts(mean, images, seeds, noise, size)


def _entry(label: str, pair: tuple[str, str], scope: Scope, one: Estimate, options: Options,
           n_units: int) -> dict[str, Any]:
    """A difference; of fewer than :data:`LEAST` units the number alone."""
    if n_units < LEAST:
        one = Estimate(one.estimate, np.float64(np.nan), np.float64(np.nan))
    low, high = one.interval(1 - options.alpha)
    return {'stratum': label, 'a': pair[0], 'b': pair[1], 'scope': scope, 'estimate': one.estimate, 'se': one.se,
            'df': one.df, 'p': one.p, 'ci_low': low, 'ci_high': high}
