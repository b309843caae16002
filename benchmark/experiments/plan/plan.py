"""The plan: which runs a suite needs, each with the hash of what decides its result."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import Split, fingerprint, read_split
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.state.locks import FolderLock, Locked
from benchmark.experiments.state.records import in_words
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import TrainedSource
from benchmark.experiments.suite.model import Method
from benchmark.experiments.suite.overrides import OverrideError
from benchmark.experiments.suite.seeds import derive_seeds
from benchmark.experiments.suite.suite import Suite
from benchmark.experiments.suite.tuning import draw_trials
from benchmark.statistics.errors import TableError
from benchmark.statistics.inputs import check_plan
from benchmark.utils.files import cache_folder, digest, holds, json_text, write_text

from .answerable import answerable, never_trained, say_never_trained
from .configure import asked, fill_paths, idle_schedules, method_config, run_config
from .content import content_of, part_of
from .data import sound, source_data, target_data
from .decided import check_hooks, check_standing
from .encoder import RANDOM, RESNETS, WIDTH, as_asked, described_setting, fit_source, uses_source
from .folds import Fold, folds_part, make_folds
from .given_source import with_given_sources
from .identity import identity, seal
from .network import Wanted
from .protocol import protocol
from .runs import Plan, Run
from .sizes import check_sizes
from .source import SourcePlan, plan_sources

#: Test images below which a cross-validation is proposed.
FEW_TESTED = 30
#: What is said of a suite's source that no run takes, where methods have their own and where none takes any.
UNUSED, NO_SOURCE = 'not used: each method that takes a source has its own', 'not used: no method takes one'


def make_plan(suite: Suite, out: Path, methods: list[str] | None = None, only: str | None = None,
              numbers: Mapping[str, int] | None = None) -> Plan:
    """Plans a suite: finds or makes its data, and lists its runs in the order in which they should be done.

    Args:
        suite: The suite.
        out: Output folder.
        methods: Names of the methods to keep; None keeps all.
        only: Pattern (as of file names) that the ids of the runs to keep fit; None keeps all.
        numbers: Method -> how many of the suite's seeds it has, from the first on; None, and methods that are not
            named: all.

    Raises:
        SuiteError: A source that is not there, or a config value that names nothing.
        DataError: Bad data.
    """
    cache = cache_folder()
    root = target_data(suite.data, cache)
    splits = {split: read_split(root, split) for split in ('train', 'val', 'test')
              if (root / 'annotations' / f'{split}.json').exists() or split != 'val'}
    meta = splits['train'].meta
    data_hash = fingerprint(root)
    sound(root, data_hash, cache)
    suite = answerable(suite, root, splits['test'] if not suite.data.folds else Split(
        meta, [record for split in splits.values() for record in split.records]))
    folds = make_folds(suite.data, suite.seeds, root, data_hash, splits, cache)
    if suite.data.folds:
        splits = folds[0].splits
    threshold, images = suite.analysis.threshold, min(fold.images for fold in folds)
    if suite.tuning and 'val' not in splits:
        raise SuiteError(f'tuning: {root} has no annotations/val.json, on which trials are compared. Add one.')
    suite = _with_enough(suite, images, root)
    tested = len(splits['test'].records)
    if tested < FEW_TESTED and suite.data_replaced and not (suite.data.folds or suite.tuning
                                                            or suite.analysis.sequential):
        print(f'note: {tested} test images say little; --folds 5 --repeats 5 tests each of the '
              f'{sum(len(split.records) for split in splits.values())} images (docs/suites.md, Cross-validation)')
    # After the data, whose faults are seen at once: a source may have to be fetched.
    suite, said, own = with_given_sources(suite, methods)
    bases = {name: method_config(method) for name, method in suite.methods.items()
             if methods is None or name in methods}
    runs: dict[tuple, Run] = {}
    drafts: list[Draft] = []
    for condition, changes in suite.conditions.items():
        purposes = suite.seeding_of(condition).purposes()
        if (labels := changes.num_labels or 0) > images:
            raise SuiteError(f'conditions.{condition}.num_labels={labels}: {root} has {images} training images. Ask '
                             'for at most as many.')
        settings = {name: suite.settings_of(condition, name) for name in bases}
        for name, one in settings.items():
            if one.selection == 'best_val' and 'val' not in splits:
                raise SuiteError(f"{_selecting(suite, condition, name)}.selection='best_val': {root} has no "
                                 "annotations/val.json. Add one, or use 'last'.")
        for place, seed in enumerate(suite.seeds):
            for fold, name in itertools.product([one for one in folds if one.repetition in (None, seed)], bases):
                if numbers and place >= numbers.get(name, len(suite.seeds)):
                    continue
                method = suite.methods[name]
                seeds = derive_seeds(fold.seed(seed, suite.data.folds), name, purposes)
                for number, values in enumerate(draw_trials(suite.tuning, name) if suite.tuning else [None]):
                    options = method.cfg_options | changes.options(name) | (values or {})
                    tried = Method(config=method.config, cfg_options=options)
                    with _told(suite, name, condition):
                        drafts.append(Draft(
                            name, condition, seed, None if values is None else (number, values),
                            run_config(tried, settings[name], meta, seeds, changes.num_labels, threshold, fold.images,
                                       suite.overrides, bases[name]),
                            seeds, asked(bases[name], settings[name], tried, suite.overrides), fold))
    wanted: dict[str, Wanted] = {}
    for draft in drafts:
        with _told(suite, draft.method, draft.condition):
            place = own[draft.method].path if draft.method in own else ''
            wanted.setdefault(place, Wanted()).add(draft.config, draft.method, draft.condition)
    check_sizes(((draft.method, draft.condition, draft.config) for draft in drafts), suite.name)
    notes = [f'method {draft.method}: {said}' for draft in drafts for said in idle_schedules(draft.config)]
    for note in dict.fromkeys([*filter(None, [_batch(draft, suite) for draft in drafts]), *notes]):
        print(f'note: {note}')
    taken = any(uses_source(draft.config) for draft in drafts if draft.method not in own)
    identities = source_data(suite.source.data, cache) if taken and isinstance(suite.source, TrainedSource) else None
    source, sources = plan_sources(suite, identities, cache / 'sources', wanted, said, own)
    for draft in drafts:
        with _told(suite, draft.method, draft.condition):
            run = _run(draft, suite, sources.get(draft.method, source))
        # What a condition does not change of a method is trained once.
        key = (run.method, run.seed, run.trial and run.trial[0], run.hash)
        if (known := runs.setdefault(key, run)) is not run:
            known.also[run.condition] = run.id
    runs = list(runs.values())
    whole = len(runs)
    if not taken and source.hash not in {run.source_hash for run in runs}:
        source = dataclasses.replace(source, job=None, config=None, description=UNUSED if sources else NO_SOURCE)
    if only is not None:
        kept = [run for run in runs if any(fnmatch.fnmatch(one, only) for one in (run.id, *run.also.values()))]
        if not kept:
            raise SuiteError(f'--only {only!r} matches no run. Their ids look like {runs[0].id}.')
        runs = kept
    suite, main = _with_runs(suite, runs)
    say_never_trained(suite, runs, root)
    _say_alike(suite, runs)
    content = content_of(suite, out, root, splits, source, sources, runs, data_hash) | folds_part(suite.data, folds)
    content |= part_of(suite, methods, only, len(runs), whole, main)
    try:
        check_plan(json.loads(json.dumps(content)))
    except TableError as error:
        raise SuiteError(f'{suite.name}: the analysis would refuse this plan: {error}. Correct the suite.') from None
    return Plan(suite, out, root, meta, source, runs, content, sources)


def _selecting(suite: Suite, condition: str, method: str) -> str:
    """Where a suite says which checkpoint of a method is tested under a condition."""
    places = {f'methods.{method}.settings': suite.methods[method].settings,
              f'conditions.{condition}': suite.conditions[condition], 'settings': suite.settings}
    return next(place for place, settings in places.items() if settings.selection)


def _with_enough(suite: Suite, images: int, root: Path) -> Suite:
    """A suite without the conditions that ask for more labels than data of the command line have, if some are left."""
    if not suite.data_replaced:
        return suite
    fits = {name: one for name, one in suite.conditions.items() if (one.num_labels or 0) <= images}
    if not fits or len(fits) == len(suite.conditions):
        return suite
    for name, one in suite.conditions.items():
        if name not in fits:
            print(f'note: {root} has {images} training images: conditions.{name}, with {one.num_labels} labels, is '
                  'left out')
    if (first := next(iter(fits))) != next(iter(suite.conditions)):
        print(f'note: conditions.{first} stands in the place of the main condition.')
    return changed(suite, conditions=fits)


def _with_runs(suite: Suite, runs: list[Run]) -> tuple[Suite, str | None]:
    """A suite without the conditions under which ``--only`` leaves no run; the first that is left is the main one.

    Returns:
        The suite, and the label of its main condition where that is gone, which is said.
    """
    there = {condition for run in runs for condition in (run.condition, *run.also)}
    kept = {name: one for name, one in suite.conditions.items() if name in there}
    main, first = next(iter(suite.conditions.values())), next(iter(kept.values()))
    gone = main.label if main is not first else None
    if gone:
        print(f'note: --only leaves no run under the main condition, {gone}: {first.label} stands in its place.')
    return (suite if len(kept) == len(suite.conditions) else changed(suite, conditions=kept)), gone


@dataclass(frozen=True)
class Draft:
    """A run whose source is not known yet.

    Attributes:
        method: See :class:`Run`, as all that follow.
        condition: The condition's name.
        seed: The run's number.
        trial: Number of the trial and its config values, where the method is tuned.
        config: Its config.
        seeds: The named seeds.
        asked: The config values that were asked for, in the order in which they were written.
        fold: Its data.
    """

    method: str
    condition: str
    seed: int
    trial: tuple[int, dict] | None
    config: Config
    seeds: dict[str, int]
    asked: list[dict[str, Any]]
    fold: Fold


@contextlib.contextmanager
def _told(suite: Suite, method: str, condition: str) -> Iterator[None]:
    """Names method and condition of a config that cannot be planned, whatever is raised over it.

    Raises:
        SuiteError: In the place of what was raised.
    """
    try:
        yield
    except OverrideError as error:
        raise SuiteError(f'{suite.name}: method {method}, config value {error}') from None
    except (SuiteError, DataError):
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        path = suite.methods[method].config
        raise SuiteError(f'{suite.name}: method {method} under {condition}: its config ({path}) with its values is '
                         f'not of the form that a run has ({type(error).__name__}: {in_words(error)}). A value has '
                         'replaced a part, or is of another kind.') from error


def _say_alike(suite: Suite, runs: list[Run]) -> None:
    """Says which methods are one training in some seed, and which conditions change nothing of any method."""
    trainings: dict[tuple, dict[str, None]] = {}
    for run in runs:
        for condition in (run.condition, *run.also):
            trainings.setdefault((condition, run.seed, run.hash), {})[run.method] = None
    for names in dict.fromkeys(tuple(methods) for methods in trainings.values() if len(methods) > 1):
        print(f'note: methods {" and ".join(names)} are the same training, seeds included, with equal results.')
    own = {run.condition for run in runs}
    for condition in suite.conditions:
        if condition not in own and any(condition in run.also for run in runs):
            print(f'note: conditions.{condition} changes nothing of any method: its results are those of another one.')


def _batch(draft: Draft, suite: Suite) -> str | None:
    """Makes a batch that is larger than the training set as large as that, which it is anyway; gives a note on it.

    Raises:
        SuiteError: Batches that are not whole are dropped, and there are no others.
    """
    train, images = draft.config.train_dataloader, draft.fold.images
    labelled = min(train.dataset.num_labels or images, images)
    if train.get('drop_last') and labelled < train.batch_size:
        raise SuiteError(f'{suite.name}: method {draft.method} under {draft.condition}: train_dataloader.drop_last '
                         f'drops all of the {labelled} training images, which fill no batch of {train.batch_size}. Set '
                         'batch_size to as many or fewer.')
    if train.batch_size <= labelled:
        return None
    asked, train.batch_size = train.batch_size, labelled
    return (f'conditions.{draft.condition}: batches of {asked} hold all {labelled} training images; plan and page say '
            f'batch_size {labelled}.')


def _run(draft: Draft, suite: Suite, source: SourcePlan) -> Run:
    """A run with its source, data and hash.

    Raises:
        SuiteError: A value that was asked for does not stand in its config.
    """
    cfg = draft.config
    fit_source(cfg, source.arch, source.normalisation)
    if source.logits == 'pooled' and 'source' in cfg.model and cfg.model.source.get('checkpoint') != RANDOM:
        cfg.model.source.logits = source.logits
    _encoder_as_asked(draft, suite)
    check_standing(cfg, *draft.asked)
    check_hooks(cfg)
    protocol(cfg)
    fold = draft.fold
    if 'val' not in fold.splits:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    source_hash = source.hash if uses_source(cfg) else None
    parts = json.loads(json.dumps(identity(cfg, fold.fingerprint, source_hash), default=str))
    value = digest(parts)
    title = (f'{draft.condition}-seed{draft.seed}' if fold.number is None else
             f'{draft.condition}-repeat{draft.seed}-fold{fold.number}')
    title += ('' if draft.trial is None else f'-try{draft.trial[0]}')
    return Run(f'{draft.method}/{title}-{value[:8]}', draft.method, draft.condition, draft.seed, value,
               fill_paths(cfg, str(fold.root), str(source.path)), source, draft.seeds, source_hash, parts, draft.trial,
               fold=None if fold.number is None else fold, untrained=never_trained(cfg, fold.splits, fold.never))


def _encoder_as_asked(draft: Draft, suite: Suite) -> None:
    """Checks that a condition's depth and width are those of the encoder, which the source decides.

    Raises:
        SuiteError: They are not.
    """
    backbone, condition = draft.config.model.backbone, suite.conditions[draft.condition]
    there = dict(depth=backbone.get('depth'), width=backbone.get('base_channels', WIDTH))
    for name, value in there.items():
        if backbone.type in RESNETS and (own := getattr(condition, name)) not in (None, value):
            raise SuiteError(f"{suite.name}: conditions.{draft.condition}.{name}={own}: the encoder is the "
                             f"source's, with {name} {value}, under all conditions. Set it in settings, in a suite "
                             'for each, or give another source.')
    settings = suite.settings_of(draft.condition, draft.method)
    if other := as_asked(backbone, settings):
        raise SuiteError(f"{suite.name}: {described_setting(settings)}: the encoder is the source's network, with "
                         f'{other}. Name that one, leave the setting out, or give another source.')


def write_config(plan: Plan, name: str) -> None:
    """Writes a run's ``config.py`` and ``identity.json`` (what its hash is made of), or the source's config.

    Paths are not part of a run's hash, so an old config may name places that are gone. Nothing is written while a
    process is on the run: that process has checked what it found.

    Args:
        plan: The plan.
        name: The run's id, or ``source``.
    """
    if name == 'source':
        folder, texts = plan.source.job, {'config.py': seal(plan.source.config.pretty_text)}
    else:
        run = next(run for run in plan.runs if run.id == name)
        folder = plan.folder(run)
        texts = {'config.py': seal(run.config.pretty_text), 'identity.json': json_text(run.identity)}
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(Locked):
        for file, text in texts.items():
            if not holds(folder / file, text):
                with FolderLock(folder, patience=1.0):
                    write_text(folder / file, text)
