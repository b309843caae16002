"""Scores of one condition as arrays seeds x images, complete: what every analysis is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .arrays import Floats, Integers, Masks, Objects
from .consistency import LOST_BY_CAP, differing_in_case, how_names_differ
from .crossed import Block
from .endpoints import Rates
from .errors import TableError
from .fold_tables import folds_by_method, folds_of
from .layout import some
from .measures import Measures
from .options import Options
from .per_image import image_scores
from .scale import SCALES, one_scale
from .terms import PAIRED, Design


@dataclass(frozen=True)
class Scores:
    """Complete blocks of one condition.

    Attributes:
        name: The condition's label.
        images: Images that every run has scored, in order.
        dropped: Images left out, because a run lacks them.
        seeds: Method -> its seeds, in order.
        values: Endpoint -> method -> scores, shape (S, N): N is the number of images.
        kept: Endpoint -> which of the images it could be computed for; all, as a rule.
        subjects: Subject of each image, or None where every image is a subject of its own.
        missing: Method -> number of missing predictions that were filled in by the cap.
        complete_case: Method -> mean of the primary endpoint over the images that no run lacks, where predictions were
            filled in.
        absent: Method -> which predictions were filled in, shape (S, N), where some were.
        capped: Score that is not the primary one -> as ``absent``, of its values, where some were filled in.
        primary: The endpoint that ranks and headlines are about.
        folds: Folds of a cross-validation, whose repetitions are the seeds; None where there is none.
        fold_of: Method -> fold in which each image was tested, shape (S, N), where the table has folds.
        partial: Method -> the primary endpoint of all images, also of those left out, with NaN where a run lacks one,
            shape (S, N + those left out); empty where none was left out.
    """

    name: str
    images: list[str]
    dropped: list[str]
    seeds: dict[str, list[int]]
    values: dict[str, dict[str, Floats]]
    kept: dict[str, Masks]
    subjects: Objects | None = None
    missing: dict[str, int] = field(default_factory=dict)
    complete_case: dict[str, float] = field(default_factory=dict)
    absent: dict[str, Masks] = field(default_factory=dict)
    capped: dict[str, dict[str, Masks]] = field(default_factory=dict)
    primary: str = 'ME'
    folds: int | None = None
    fold_of: dict[str, Integers] = field(default_factory=dict)
    partial: dict[str, Floats] = field(default_factory=dict)
    _blocks: dict[tuple[str, str], Block] = field(default_factory=dict, repr=False)

    @property
    def unit(self) -> str:
        """What is drawn at random besides seeds: ``image`` or ``subject``."""
        return 'image' if self.subjects is None else 'subject'

    def block(self, endpoint: str, method: str) -> Block:
        """Scores of a method, shape (S, N); N: subjects where there are some, else images."""
        key = (endpoint, method)
        if key not in self._blocks:
            self._blocks[key] = self.blocked(self.by_unit(self.values[endpoint][method], self.kept[endpoint]))
        return self._blocks[key]

    def blocked(self, values: Floats) -> Block:
        """A block of scores (S, N) of this table: in a cross-validation one with its folds."""
        return Block(values, self.folds)

    def by_unit(self, values: Floats, kept: Masks | None = None) -> Floats:
        """Averages scores (..., images) within subjects, so that a subject takes the image's place.

        Args:
            values: Scores of the images that are ``kept``.
            kept: Mask over the images.
        """
        if self.subjects is None:
            return values
        subjects = self.subjects if kept is None else self.subjects[kept]
        _, codes = np.unique(subjects, return_inverse=True)
        own = np.zeros((codes.max() + 1, len(codes)))
        own[codes, np.arange(len(codes))] = 1
        # Summed first: of a subject whose images all score 1 the mean is 1, and not 1 within rounding.
        means: Floats = values @ own.T / own.sum(axis=1)
        return means

    def unit_names(self, endpoint: str) -> list[str]:
        """Names of the units of a block, in its order: images, or subjects where some have several images."""
        kept = self.kept[endpoint]
        if self.subjects is None:
            return [image for image, known in zip(self.images, kept, strict=True) if known]
        # As in _subjects: 'subject <name>', or 'image <name>' where an image has none.
        return [name.partition(' ')[2] for name in np.unique(self.subjects[kept])]

    def pair(self, endpoint: str, a: str, b: str, design: Design) -> tuple[Block, Block]:
        """Both methods' blocks; in a paired design on their common seeds."""
        return self.alike((self.block(endpoint, a), self.block(endpoint, b)), a, b, design)

    def alike(self, blocks: tuple[Block, Block], a: str, b: str, design: Design) -> tuple[Block, Block]:
        """Blocks of a and b (S, N), one row a seed of theirs; in a paired design those of their common seeds."""
        if design != PAIRED or self.seeds[a] == self.seeds[b]:
            return blocks
        common = self.common_seeds(a, b)
        first, second = (Block(block.values[self.places(method, common)])
                         for block, method in zip(blocks, (a, b), strict=True))
        return first, second

    def places(self, method: str, seeds: Sequence[int]) -> list[int]:
        """Rows of a method's blocks that belong to these seeds."""
        return [self.seeds[method].index(seed) for seed in seeds]

    def common_seeds(self, a: str, b: str) -> list[int]:
        """Seeds that both methods have."""
        return [seed for seed in self.seeds[a] if seed in set(self.seeds[b])]

    @property
    def methods(self) -> list[str]:
        """Methods with at least one run, in the order of the plan."""
        return [*self.seeds]

    def endpoints(self, among: Sequence[str]) -> list[str]:
        """Which of these endpoints there are."""
        return [name for name in among if name in self.values]


def make_scores(rows: pd.DataFrame, methods: Sequence[str], label: str, options: Options, notes: list[str],
                rates: Rates | None = None) -> Scores:
    """Scores of one condition.

    Args:
        rows: The condition's rows of the results table, in its canonical order.
        methods: In the order of the plan.
        label: The condition's name for readers.
        options: Threshold and what a missing prediction counts as.
        notes: Sentences for the reader are appended.
        rates: Success detection rates.

    Raises:
        TableError: No image has been scored by every run, a cap would fill more than a tenth of a method's cells, or
            there are more folds than images (subjects).
    """
    measures = options.measures
    primary = measures.primary
    frame = image_scores(rows, options.threshold, rates, measures)
    runs = frame[['method', 'seed']].drop_duplicates()
    images, grid, whole = _grid(rows, frame, runs, primary)
    places = {method: np.flatnonzero((runs['method'] == method).to_numpy()) for method in methods
              if (runs['method'] == method).any()}
    single = frame.groupby('method', observed=True)['image'].nunique()
    if (single == 1).any():
        names = [*single.index[single == 1]]
        raise TableError(f'condition {label}: one image only for {some(names)}: nothing can be said about other '
                         'images; score at least two, or leave the method out')
    missing: dict[str, int] = {}
    complete = np.asarray(whole.all(axis=0))
    lost = {method: float((~whole[place]).mean()) for method, place in places.items()}
    partial: dict[str, Floats] = {}
    if options.missing_cap is None and not complete.all():
        every = np.where(whole, np.append(frame[primary].to_numpy(), np.nan)[grid], np.nan)
        partial = {method: every[place] for method, place in places.items()}
    if options.missing_cap is None:
        grid = grid[:, complete]
        dropped = [image for image, kept in zip(images, complete, strict=True) if not kept]
        images = [image for image, kept in zip(images, complete, strict=True) if kept]
        if not images:
            raise TableError(_nothing_common(rows, frame, runs, label, lost))
    else:
        dropped = []
        missing = {method: int((~whole[place]).sum()) for method, place in places.items()}
        _check_lost({method: ~whole[place] for method, place in places.items()}, 'missing_cap', label,
                    'Score all runs on the same images, or leave out those that lack them')
    if dropped:
        keys = runs.itertuples(index=False)
        lacking = [f'{method} seed {seed}' for (method, seed), row in zip(keys, whole, strict=True) if not row.all()]
        hint = _spelt_otherwise(frame, runs)
        notes.append(f'{label}: {len(dropped)} of {len(complete)} image{"s" if len(complete) > 1 else ""} left out '
                     f'({some(dropped)}), because not every run has scored all of it: {some(lacking)}'
                     f'{"; " * bool(hint)}{hint}.')
    seeds = {method: runs['seed'].to_numpy()[place].tolist() for method, place in places.items()}
    arrays = {}
    for endpoint in measures.names(rates):
        if endpoint in frame.columns:
            flat = np.append(frame[endpoint].to_numpy(), np.nan)
            arrays[endpoint] = flat[grid]
    if options.missing_cap is not None:
        arrays = _fill(arrays, ~whole, options.missing_cap, rows, images, measures)
    capped: dict[str, dict[str, Masks]] = {}
    for name, cap in options.caps.items():
        lost_here = ~np.isfinite(arrays[name])
        if not lost_here.any():
            continue
        capped[name] = {method: lost_here[place] for method, place in places.items()}
        _check_lost(capped[name], f'missing_cap: {name}', label,
                    'Leave its cap out, so that it is over the images that have it in every run, or leave out the '
                    'runs that lack it')
        arrays[name] = np.where(lost_here, cap, arrays[name])
        notes.append(f'{label}: {lost_here.sum()} of {lost_here.size} values of {name} are missing and count as '
                     f'{cap:g}.')
    values, kept = {}, {}
    for endpoint, array in arrays.items():
        known = np.isfinite(array).all(axis=0)
        if known.any():
            kept[endpoint] = known
            values[endpoint] = {method: array[place][:, known] for method, place in places.items()}
            if not known.all() and not measures.rate(endpoint):  # rates lack what the mean error in their unit lacks
                notes.append(f'{label}: {endpoint} is over {known.sum()} of {len(images)} images; the others lack what '
                             'it needs.')
    filled = any(missing.values())
    if filled:
        counts = ', '.join(f'{name}: {count}' for name, count in missing.items() if count)
        kind = f'a {primary}' if measures.scores else 'failures with an error'
        notes.append(f'{label}: {sum(missing.values())} missing predictions count as {kind} of '
                     f'{options.missing_cap:g} ({counts}); {complete.sum()} of {len(images)} images are complete in '
                     'all runs.')
    found = Scores(label, images, dropped, seeds, values, kept, _subjects(rows, images, label, notes), missing,
                   absent={method: ~whole[place] for method, place in places.items()} if filled else {}, capped=capped,
                   primary=primary, folds=folds_of(rows, options.folds), fold_of=folds_by_method(rows, images, seeds),
                   partial=partial)
    if found.folds and found.folds > (n_units := found.block(primary, next(iter(places))).n_images):
        raise TableError(f'folds: {found.folds} folds and {n_units} {found.unit}s: give at most as many folds as '
                         f'{found.unit}s')
    if found.block(primary, next(iter(places))).n_images < 2 and found.subjects is not None:
        raise TableError(f'condition {label}: one subject only: nothing can be said about others; leave the column '
                         'subject out to speak of images of this one')
    if filled and complete.any():
        found.complete_case.update({method: float(found.by_unit(array[:, complete], complete).mean())
                                    for method, array in found.values[primary].items()})
    return found


def _check_lost(absent: Mapping[str, Masks], field_name: str, label: str, remedy: str) -> None:
    """Refuses a cap that would fill more than a tenth of the cells (S, N) of a method."""
    lost = {method: float(mask.mean()) for method, mask in absent.items()}
    most = max(lost, key=lost.__getitem__)
    if lost[most] > LOST_BY_CAP:
        raise TableError(
            f'{field_name}: condition {label}: it would fill {absent[most].sum()} of the {absent[most].size} cells '
            f'(seeds x images) of {most}, {100 * lost[most]:.0f} %; more than a tenth is not filled in, since the '
            f'result would be the cap. {remedy}')


def _nothing_common(rows: pd.DataFrame, frame: pd.DataFrame, runs: pd.DataFrame, label: str,
                    lost: Mapping[str, float]) -> str:
    """Why no image is whole in all runs, with the remedy that fits."""
    problem = f'condition {label}: no image has the same landmarks in every run'
    if hint := _spelt_otherwise(frame, runs):
        return f'{problem}; {hint}'
    if 'landmark' in rows.columns:
        names = sorted(rows['landmark'].unique())
        for method, own in rows.groupby('method', sort=False, observed=True)['landmark']:
            if lacking := [name for name in names if name not in set(own)]:
                alike = next((' and '.join(group) for group in differing_in_case(names) if {*group} & {*lacking}), '')
                return (f'{problem}: {method} has no landmark {some(lacking)}; '
                        + (f'{alike} differ in capital and small letters only: write them alike' if alike else
                           'keep the landmarks that all methods have'))
    remedy = 'score all runs on the same test images'
    if max(lost.values()) <= LOST_BY_CAP:
        remedy += ', or give missing_cap, the error that a missing prediction counts as'
    return f'{problem}; {remedy}'


def _spelt_otherwise(frame: pd.DataFrame, runs: pd.DataFrame) -> str:
    """Whether two runs name their images differently; '' where images of the one are not those of the other."""
    names = [{*own['image']} for _, own in frame.groupby(['method', 'seed'], sort=False, observed=True)]
    for place, own in enumerate(names):
        if hint := how_names_differ(sorted(names[0] - own), sorted(own - names[0])):
            one, two = (f'{run["method"]} seed {run["seed"]}' for run in (runs.iloc[0], runs.iloc[place]))
            return f'in {one} and {two} the images {hint}'
    return ''


def _grid(rows: pd.DataFrame, frame: pd.DataFrame, runs: pd.DataFrame,
          primary: str) -> tuple[list[str], Integers, Masks]:
    """Images, the place in ``frame`` of each run's image (the last place + 1 if absent), and whether it is whole.

    An image of a run is whole if it has all landmarks that any run has of it, each with an error.
    """
    codes, images = pd.factorize(frame['image'], sort=True)
    starts = np.flatnonzero(~frame.duplicated(['method', 'seed']).to_numpy())
    run = np.repeat(np.arange(len(runs)), np.diff([*starts, len(frame)]))
    grid = np.full((len(runs), len(images)), len(frame))
    grid[run, codes] = np.arange(len(frame))
    if 'landmark' not in rows.columns:
        whole = np.append(np.isfinite(frame[primary].to_numpy()), False)[grid]
        return [*images], grid, whole
    # Keys are unique, so a run that has as many landmarks of an image as there are distinct ones has them all.
    sizes = np.append(frame['n_landmarks'].to_numpy(), 0)[grid]
    marked = rows[['image', 'landmark']].drop_duplicates()
    distinct = marked.groupby('image', observed=True).size().reindex(images).to_numpy()
    whole = (sizes == distinct) & np.append(np.isfinite(frame[primary].to_numpy()), False)[grid]
    return [*images], grid, whole


def _fill(arrays: Mapping[str, Floats], absent: Masks, cap: float, rows: pd.DataFrame,
          images: Sequence[str], measures: Measures) -> dict[str, Floats]:
    """Missing predictions as failures; endpoints that can't be filled keep NaN."""
    fills: dict[str, Any] = {measures.primary: cap, **{name: least for name in arrays
                                                       if (least := measures.worst(name)) is not None}}
    if 'NME' in arrays:
        scale = rows.groupby('image', observed=True)['normalizer'].mean().reindex(images).to_numpy()
        fills['NME'] = np.broadcast_to(cap / scale, absent.shape)
    if 'ME_photo' in arrays and set(SCALES) <= set(rows.columns):
        scale = pd.Series(one_scale(rows)).groupby(rows['image'].to_numpy()).mean().reindex(images).to_numpy()
        fills['ME_photo'] = np.broadcast_to(cap / scale, absent.shape)
    return {endpoint: np.where(absent, fills.get(endpoint, np.nan), array) for endpoint, array in arrays.items()}


def _subjects(rows: pd.DataFrame, images: Sequence[str], label: str, notes: list[str]) -> Objects | None:
    """Each image's subject; None where there are no subjects with more than one image."""
    if 'subject' not in rows.columns:
        return None
    pairs = rows[['image', 'subject']].drop_duplicates()
    twice = pairs[pairs['subject'] != ''].groupby('image', observed=True).size()
    if (twice > 1).any():
        raise TableError(f'condition {label}: field subject: more than one subject for image '
                         f'{some([*twice.index[twice > 1]])}; an image has one subject in all runs')
    named = pairs[pairs['subject'] != ''].set_index('image')['subject'].to_dict()
    subjects = np.array([('subject', named[image]) if image in named else ('image', image) for image in images])
    keys = np.array([f'{kind} {name}' for kind, name in subjects], dtype=object)
    if len(set(keys)) == len(keys):
        return None
    without = sum(image not in named for image in images)
    notes.append(f'{label}: {len(images)} images of {len(set(keys))} subjects; scores are averaged per subject first, '
                 "and the subject takes the image's place in every interval and test"
                 + (f' ({without} images without a subject count as one each).' if without else '.'))
    return keys
