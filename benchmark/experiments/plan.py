"""The plan: which runs a suite needs, each with the hash of what decides its result."""

from __future__ import annotations

import ast
import contextlib
import fnmatch
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from benchmark.datasets.labels import choose_subset, untrained
from benchmark.datasets.metainfo import DataError, LandmarkMeta, choose_flip_policy
from benchmark.datasets.prepared import Split, fingerprint, read_split
from benchmark.files import cache_folder, digest, holds, json_text, write_text
from benchmark.numerics import NUMERICS
from benchmark.program import PLAN_FORMAT, program
from benchmark.statistics.errors import TableError
from benchmark.statistics.inputs import check_plan

from .axis import axis
from .configure import (
    RESNETS,
    STRIDE,
    WIDTH,
    asked,
    fill_paths,
    fit_source,
    identity,
    idle_schedules,
    method_config,
    protocol,
    run_config,
    seal,
    uses_source,
)
from .data import sound, source_data, target_data
from .decided import check_hooks, check_standing
from .forecast import cost
from .locks import FolderLock, Locked
from .network import Wanted
from .overrides import OverrideError
from .records import in_words
from .seeds import derive_seeds
from .sizes import check_sizes
from .source import SourcePlan, plan_source
from .suite import CONFIGS, Suite, SuiteError, merged, read_config
from .tuning import draw_tries
from .work import EXECUTION, RUN, SOURCE, Task

UNIT = 'heatmap px'


@dataclass(frozen=True)
class Run:
    """One training of one method.

    Attributes:
        id: ``<method>/<condition>-seed<seed>-<hash>``; its folder below ``runs/``.
        method: The method's name.
        condition: The condition's name.
        seed: The run's number.
        hash: SHA-256 of its identity.
        config: Its full config.
        seeds: The named seeds.
        source_hash: Hash of the source that it starts from or is regularised by; None without one.
        identity: What the hash is made of; see :func:`benchmark.experiments.configure.identity`.
        trial: Number of the try and its config values, where the method is tuned.
        also: Further conditions that change nothing of it, so that it stands for them too; each with an id of its own.
        untrained: Landmarks that are tested and that its training images say nothing of -> number of test images.
    """

    id: str
    method: str
    condition: str
    seed: int
    hash: str
    config: Config
    seeds: dict[str, int]
    source_hash: str | None
    identity: dict
    trial: tuple[int, dict] | None = None
    also: dict[str, str] = field(default_factory=dict)
    untrained: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A suite's runs and what they share."""

    suite: Suite
    out: Path
    data_root: Path
    meta: LandmarkMeta
    source: SourcePlan
    runs: list[Run]
    content: dict

    def task(self, run: Run) -> Task:
        """The run as a worker sees it."""
        return Task(run.id, RUN, self.folder(run), run.hash, {})

    def folder(self, run: Run) -> Path:
        """The run's folder."""
        return self.out / 'runs' / run.id


def make_plan(suite: Suite, out: Path, methods: list[str] | None = None, only: str | None = None) -> Plan:
    """Plans a suite: finds or makes its data, and lists its runs in the order in which they should be done.

    Args:
        suite: The suite.
        out: Output folder.
        methods: Names of the methods to keep; None keeps all.
        only: Pattern (as of file names) that the ids of the runs to keep fit; None keeps all.

    Raises:
        SuiteError: A source that is not there, or a config value that names nothing.
        DataError: Bad data.
    """
    cache = cache_folder()
    root = target_data(suite.data, cache)
    splits = {split: read_split(root, split) for split in ('train', 'val', 'test')
              if (root / 'annotations' / f'{split}.json').exists() or split != 'val'}
    meta = splits['train'].meta
    identities = source_data(suite.source['data'], cache) if suite.source['type'] == 'train' else None
    data_hash = fingerprint(root)
    sound(root, data_hash, cache)
    suite.analysis = answerable(suite, root, splits['test'])
    threshold, images = suite.analysis.get('threshold', 1.2), len(splits['train'].records)
    if suite.tuning and 'val' not in splits:
        raise SuiteError(f'tuning: {root} has no annotations/val.json, on which tries are compared. Add one.')
    bases = {name: method_config(method) for name, method in suite.methods.items()
             if methods is None or name in methods}
    runs: dict[tuple, Run] = {}
    drawn: dict[tuple, dict[str, int]] = {}
    drafts: list[Draft] = []
    for condition, changes in suite.conditions.items():
        settings = merged(suite.settings, changes)
        if (labels := changes.get('num_labels') or 0) > images:
            raise SuiteError(f'conditions.{condition}.num_labels={labels}: {root} has {images} training images. Ask '
                             'for at most as many.')
        if settings.get('selection') == 'best_val' and 'val' not in splits:
            raise SuiteError(f"settings.selection='best_val': {root} has no annotations/val.json. Add one, or use "
                             "'last'.")
        for seed in suite.seeds:
            for name, method in suite.methods.items():
                if methods is not None and name not in methods:
                    continue
                seeds = derive_seeds(seed, name, suite.seeding | changes.get('seeding', {}))
                own = changes.get('method_options', {}).get(name, {})
                for number, values in enumerate(draw_tries(suite.tuning, name) if suite.tuning else [None]):
                    options = method['cfg_options'] | own | (values or {})
                    changed = dict(method, cfg_options=options)
                    with _told(suite, name, condition):
                        drafts.append(Draft(
                            name, condition, seed, None if values is None else (number, values),
                            run_config(changed, settings, meta, seeds, changes.get('num_labels'), threshold, images,
                                       suite.overrides, bases[name]),
                            seeds, asked(bases[name], settings, changed, suite.overrides)))
    wanted = Wanted()
    for draft in drafts:
        with _told(suite, draft.method, draft.condition):
            wanted.add(draft.config, draft.method, draft.condition)
    check_sizes(((draft.method, draft.condition, draft.config) for draft in drafts), suite.name)
    notes = [f'method {draft.method}: {said}' for draft in drafts for said in idle_schedules(draft.config)]
    for note in dict.fromkeys([*filter(None, [_batch(draft, suite, images) for draft in drafts]), *notes]):
        print(f'note: {note}')
    source = plan_source(suite, identities, cache / 'sources', wanted)
    for draft in drafts:
        with _told(suite, draft.method, draft.condition):
            run = _run(draft, suite, source, str(root), data_hash, splits, drawn)
        # What a condition does not change of a method is trained once.
        key = (run.method, run.seed, run.trial and run.trial[0], run.hash)
        if (known := runs.setdefault(key, run)) is not run:
            known.also[run.condition] = run.id
    runs = list(runs.values())
    whole = len(runs)
    if only is not None:
        kept = [run for run in runs if any(fnmatch.fnmatch(one, only) for one in (run.id, *run.also.values()))]
        if not kept:
            raise SuiteError(f'--only {only!r} fits no run. Their ids look like {runs[0].id}.')
        runs = kept
    _say_never_trained(suite, runs, root)
    _say_alike(suite, runs)
    content = _content(suite, out, root, splits, source, runs, data_hash)
    content |= _part(suite, methods, only, len(runs), whole)
    try:
        check_plan(json.loads(json.dumps(content)))
    except TableError as error:
        raise SuiteError(f'{suite.name}: the analysis would refuse this plan: {error}. Correct the suite.') from None
    return Plan(suite, out, root, meta, source, runs, content)


@dataclass(frozen=True)
class Draft:
    """A run whose source is not known yet.

    Attributes:
        method: See :class:`Run`, as all that follow.
        condition: The condition's name.
        seed: The run's number.
        trial: Number of the try and its config values, where the method is tuned.
        config: Its config.
        seeds: The named seeds.
        asked: The config values that were asked for, in the order in which they were written.
    """

    method: str
    condition: str
    seed: int
    trial: tuple[int, dict] | None
    config: Config
    seeds: dict[str, int]
    asked: list[dict[str, Any]]


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
        path = suite.methods[method]['config']
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


def _batch(draft: Draft, suite: Suite, images: int) -> str | None:
    """Makes a batch that is larger than the training set as large as that, which it is anyway; gives a note on it.

    Raises:
        SuiteError: Batches that are not whole are dropped, and there are no others.
    """
    train = draft.config.train_dataloader
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


def _run(draft: Draft, suite: Suite, source: SourcePlan, root: str, data_hash: str, splits: dict[str, Split],
         drawn: dict[tuple, dict[str, int]]) -> Run:
    """A run with its source, data and hash.

    Raises:
        SuiteError: A value that was asked for does not stand in its config.
    """
    cfg = draft.config
    fit_source(cfg, source.arch, source.normalisation)
    _encoder_as_asked(draft, suite)
    check_standing(cfg, *draft.asked)
    check_hooks(cfg)
    protocol(cfg)
    if 'val' not in splits:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    source_hash = source.hash if uses_source(cfg) else None
    parts = json.loads(json.dumps(identity(cfg, data_hash, source_hash), default=str))
    value = digest(parts)
    title = f'{draft.condition}-seed{draft.seed}' + ('' if draft.trial is None else f'-try{draft.trial[0]}')
    return Run(f'{draft.method}/{title}-{value[:8]}', draft.method, draft.condition, draft.seed, value,
               fill_paths(cfg, root, str(source.path)), draft.seeds, source_hash, parts, draft.trial,
               untrained=never_trained(cfg, splits, drawn))


def _encoder_as_asked(draft: Draft, suite: Suite) -> None:
    """Checks that a condition's depth and width are those of the encoder, which the source decides.

    Raises:
        SuiteError: They are not.
    """
    backbone, condition = draft.config.model.backbone, suite.conditions[draft.condition]
    there = dict(depth=backbone.get('depth'), width=backbone.get('base_channels', WIDTH))
    for name, value in there.items():
        if backbone.type in RESNETS and condition.get(name) not in (None, value):
            raise SuiteError(f"{suite.name}: conditions.{draft.condition}.{name}={condition[name]}: the encoder is the "
                             f"source's, with {name} {value}, under all conditions. Set it in settings, in a suite "
                             'for each, or give another source.')


def answerable(suite: Suite, root: Path, test: Split) -> dict:
    """The suite's analysis, checked against the data before anything is trained on them.

    Subgroups that only the suite's own data have are left out, with a note, where the command line gives others; so are
    the paper's numbers, which a suite inherits from the demo, beside any data but the demo's.

    Args:
        suite: The suite.
        root: The data set.
        test: Its test split.

    Raises:
        SuiteError: The data lack a subgroup, or have too little for any answer.
    """
    meta, analysis = test.meta, suite.analysis
    if missing := [name for name in analysis.get('groups', ()) if name not in meta.groups]:
        have = f'It has: {", ".join(meta.groups)}' if meta.groups else 'It has none'
        if not suite.data_replaced:
            raise SuiteError(f"analysis.groups: {root} has no subgroup {missing[0]!r}. {have}; correct the suite, or "
                             "name it in the data's metainfo.json (groups).")
        print(f'note: {root} has no subgroup {", ".join(missing)}; the suite\'s question about it is left out. {have}.')
        analysis = analysis | dict(groups=[name for name in analysis['groups'] if name in meta.groups])
    if 'NME' in (analysis.get('margin') or {}) and not meta.interocular:
        raise SuiteError(f'analysis.margin.NME: {root} names no inter-ocular pair in its metainfo.json, so there is no '
                         'NME. Name the pair, or leave this margin out.')
    if suite.data['type'] == 'prepared' and suite.reported and suite.reported == _papers_numbers():
        print("note: the paper's numbers, from another data set, are left out beside data of one's own.")
        suite.reported = {}
    if meta.unpaired:
        print(f'note: {root} names no landmarks that are mirror images of each other, so no image is mirrored. '
              f'`tools/prepare_data.py check {root}` proposes pairs; "flip_policy": "never" in its metainfo.json says '
              'that it is meant so, "midline": true that each landmark is its own mirror image.')
    units = {record.subject if meta.subject else record.file_name for record in test.records}
    if len(units) < 2:
        kind = 'subject' if meta.subject else 'image'
        raise SuiteError(f'{root}/annotations/test.json: {len(units)} {kind}: nothing can be said about other {kind}s. '
                         f'Give the test split at least two {kind}s.')
    return analysis


def never_trained(cfg: Config, splits: dict[str, Split], known: dict[tuple, dict[str, int]]) -> dict[str, int]:
    """Landmarks that a run tests and can't have learned: see :func:`benchmark.datasets.labels.untrained`.

    Args:
        cfg: The run's config.
        splits: The data.
        known: What was found for other runs with the same labels and views; it is added to.
    """
    data, meta = cfg.train_dataloader.dataset, splits['train'].meta
    view = next((step for step in data.get('pipeline', ()) if step.type == 'DrawView'), {})
    policy = choose_flip_policy(view.get('flip_policy'), meta.flip_policy)
    key = data.get('num_labels'), data.get('split_seed', 0), policy, bool(view) and view.get('flip', 0.5) > 0
    if key not in known:
        labelled = choose_subset(splits['train'].records, *key[:2])
        known[key] = untrained(meta, labelled, splits['test'].records, *key[2:])
    return known[key]


def _say_never_trained(suite: Suite, runs: list[Run], root: Path) -> None:
    """Prints which landmarks are left out of the mean error, under each condition."""
    for condition, about in suite.conditions.items():
        own = [run for run in runs if condition in (run.condition, *run.also)]
        for name, count in {name: count for run in own for name, count in run.untrained.items()}.items():
            lacking = sum(name in run.untrained for run in own)
            which = f'all {len(own)}' if lacking == len(own) else f'{lacking} of {len(own)}'
            print(f'note: {about.get("label", condition)}: landmark {name} is annotated in {count} test images and can '
                  f'be learned from no training image of {which} runs ({root}): it is left out of the mean error.')


def _papers_numbers() -> dict:
    return read_config(CONFIGS / 'suites' / 'demo.py').to_dict()['reported']


def _content(suite: Suite, out: Path, root: Path, splits: dict, source: SourcePlan, runs: list[Run],
             data_hash: str) -> dict:
    """What plan.json holds."""
    meta = splits['train'].meta
    varied, values = axis(suite.conditions, len(splits['train'].records))
    first = runs[0].config if runs else None
    size = list(first.train_dataloader.dataset.input_size) if first else None
    shown = [name for name in suite.methods if any(run.method == name for run in runs)]
    return dict(
        format_version=PLAN_FORMAT, numerics=NUMERICS,
        suite=suite.name, title=suite.title, question=suite.question, caution=suite.caution,
        methods=[dict(name=n, label=suite.methods[n]['label'], reported=suite.reported.get(n),
                      description=_docstring(suite.methods[n]['config'])) for n in shown],
        conditions=[dict(name=n, label=c.get('label', n), value=values[n]) for n, c in suite.conditions.items()],
        seeds=suite.seeds,
        runs=[dict(id=r.id, method=r.method, condition=r.condition, seed=r.seed, hash=r.hash, folder=f'runs/{r.id}',
                   seeds=r.seeds, source_hash=r.source_hash,
                   cost=float(f"{cost(r.config, len(splits['train'].records)):.4g}"),
                   **({} if r.trial is None else dict(trial=r.trial[0], values=r.trial[1])),
                   **(dict(also=r.also) if r.also else {}),
                   **(dict(untrained=[*r.untrained]) if r.untrained else {})) for r in runs],
        analysis=dict(dict(value_label=varied) | suite.analysis, threshold=suite.analysis.get('threshold', 1.2),
                      unit=UNIT, design=suite.design),
        data=dict(name=meta.name, root=str(root), description=meta.description, licence=meta.licence,
                  splits={name: dict(images=len(s.records), subjects=len({r.subject for r in s.records})
                                     if meta.subject else None) for name, s in splits.items()},
                  landmarks=list(meta.landmarks), flip_indices=list(meta.flip_indices),
                  measurements={k: list(v) for k, v in meta.measurements.items()},
                  interocular=list(meta.interocular) if meta.interocular else None, groups=list(meta.groups),
                  input_size=size, heatmap_size=[s // STRIDE for s in size] if size else None,
                  fingerprint=data_hash),
        source=dict(name=source.kind, description=source.description, hash=source.hash, val_accuracy=None,
                    path=str(source.path), job=str(source.job) if source.job else None, data=source.data,
                    classes=source.config.model.num_classes if source.config else None),
        # What workers make again where it is deleted while runs need it.
        made={kind: dict(root=str(place), data=data) for kind, place, data in (
            (RUN, root, suite.data),
            (SOURCE, source.config.train_dataloader.dataset.data_root if source.data else None,
             suite.source.get('data'))) if place and data['type'] == 'synthetic'},
        settings=training_settings(suite, runs) | dict(
            seeds=', '.join(f'{purpose} {kind}' for purpose, kind in suite.seeding.items())),
        report=suite.report,
        **(dict(tuning={key: value for key, value in suite.tuning.items() if key != 'axes'}) if suite.tuning else {}),
        execution=EXECUTION | suite.execution | dict(code=program(), paths=suite.paths))


def _part(suite: Suite, methods: list[str] | None, only: str | None, asked: int, whole: int) -> dict:
    """``part``: what of the suite the command line asked for; empty where that is all of it."""
    part = {}
    if asked < whole:
        part.update(only=only, runs=asked, of_runs=whole)
    if methods is not None and (kept := [name for name in suite.methods if name in methods]) != [*suite.methods]:
        part.update(methods=kept, of_methods=len(suite.methods))
    return dict(part=part) if part else {}


def training_settings(suite: Suite, runs: list[Run]) -> dict:
    """How the runs train: what all share, then what differs by condition, and what differs by method."""
    tries: dict[tuple[str, str], list[dict]] = {}
    shown: dict[tuple[str, str], int] = {}
    for run in runs:
        for place in ((condition, run.method) for condition in (run.condition, *run.also)):
            if shown.setdefault(place, run.seed) == run.seed:
                tries.setdefault(place, []).append(protocol(run.config))
    found = {place: {key: _tried([one.get(key) for one in contents]) for key in contents[0]}
             for place, contents in tries.items()}
    keys = list(dict.fromkeys(key for content in found.values() for key in content))
    shared, conditions, methods = {}, {}, {}
    for key in keys:
        values = {place: content.get(key) for place, content in found.items()}
        by_condition = {c: [v for (d, _), v in values.items() if d == c] for c, _ in values}
        by_method = {m: [v for (_, n), v in values.items() if n == m] for _, m in values}
        if _same(values.values()):
            shared[key] = next(iter(values.values()))
        elif all(map(_same, by_condition.values())):
            for name, own in by_condition.items():
                conditions.setdefault(suite.conditions[name].get('label', name), {})[key] = own[0]
        elif all(map(_same, by_method.values())):
            for name, own in by_method.items():
                methods.setdefault(suite.methods[name]['label'], {})[key] = own[0]
        else:
            for (condition, name), value in values.items():
                label = f'{suite.methods[name]["label"]}, {suite.conditions[condition].get("label", condition)}'
                methods.setdefault(label, {})[key] = value
    return shared | {k: v for k, v in conditions.items() if len(suite.conditions) > 1} | methods


def _tried(values: list) -> Any:
    """A setting, or all that were tried of it."""
    distinct = list({json.dumps(value): value for value in values}.values())
    return distinct[0] if len(distinct) == 1 else f'tuned: {", ".join(map(str, distinct))}'


def _same(values: Iterable) -> bool:
    return len({json.dumps(value) for value in values}) == 1


def _docstring(path: str) -> str:
    return (ast.get_docstring(ast.parse(Path(path).read_text(encoding='utf-8'))) or '').split('\n')[0]


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
