"""What ``plan.json`` holds."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.experiments.state.tasks import EXECUTION, RUN, SOURCE
from benchmark.experiments.suite.axis import axis
from benchmark.experiments.suite.inputs import SyntheticFaces, SyntheticIdentities, TrainedSource
from benchmark.experiments.suite.suite import Suite
from benchmark.experiments.suite.tuning import Tuning
from benchmark.numerics import NUMERICS
from benchmark.program import PLAN_FORMAT, program

from .encoder import STRIDE
from .forecast import cost
from .protocol import protocol
from .runs import Run
from .source import SourcePlan

UNIT = 'heatmap px'


def content_of(suite: Suite, out: Path, root: Path, splits: dict, source: SourcePlan, sources: dict[str, SourcePlan],
               runs: list[Run], data_hash: str) -> dict:
    """What plan.json holds."""
    meta = splits['train'].meta
    varied, values = axis(suite.conditions, len(splits['train'].records))
    first = runs[0].config if runs else None
    size = list(first.train_dataloader.dataset.input_size) if first else None
    shown = [name for name in suite.methods if any(run.method == name for run in runs)]
    return dict(
        format_version=PLAN_FORMAT, numerics=NUMERICS,
        suite=suite.name, title=suite.title, question=suite.question, caution=suite.caution,
        methods=[dict(name=n, label=suite.methods[n].label, reported=suite.reported.get(n),
                      description=_docstring(suite.methods[n].config)) for n in shown],
        conditions=[dict(name=n, label=c.label, value=values[n]) for n, c in suite.conditions.items()],
        seeds=suite.seeds,
        runs=[dict(id=r.id, method=r.method, condition=r.condition, seed=r.seed, hash=r.hash, folder=f'runs/{r.id}',
                   seeds=r.seeds, source_hash=r.source_hash,
                   cost=float(f"{cost(r.config, len(splits['train'].records)):.4g}"),
                   **(dict(source=str(r.source.path)) if r.method in sources and r.source_hash else {}),
                   **({} if r.fold is None else dict(repetition=r.seed, fold=r.fold.number, data=r.fold.fingerprint)),
                   **({} if r.trial is None else dict(trial=r.trial[0], values=r.trial[1])),
                   **(dict(also=r.also) if r.also else {}),
                   **(dict(untrained=[*r.untrained]) if r.untrained else {})) for r in runs],
        analysis=dict(dict(value_label=varied) | suite.analysis.given, threshold=suite.analysis.threshold,
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
                    classes=source.config.model.num_classes if source.config else None,
                    **(dict(methods={name: dict(description=one.description, hash=one.hash, path=str(one.path))
                                     for name, one in sources.items() if name in shown}) if sources else {})),
        # Synthetic data, which workers draw again where they are deleted while runs need it.
        made=_made(suite, root, source),
        settings=training_settings(suite, runs) | dict(
            seeds=', '.join(f'{purpose} {kind}' for purpose, kind in suite.seeding.purposes().items())),
        report=suite.page,
        **(dict(tuning=_tuning(suite.tuning)) if suite.tuning else {}),
        execution=EXECUTION | suite.execution.given | dict(code=program(), paths=suite.paths))


def _made(suite: Suite, root: Path, source: SourcePlan) -> dict[str, dict]:
    """By kind of task, the synthetic data: where they lie, and what the suite says of them."""
    made = {}
    if isinstance(suite.data, SyntheticFaces):
        made[RUN] = dict(root=str(root), data=suite.data.given)
    if source.config and isinstance(suite.source, TrainedSource) and isinstance(suite.source.data,
                                                                               SyntheticIdentities):
        made[SOURCE] = dict(root=source.config.train_dataloader.dataset.data_root, data=suite.source.data.given)
    return made


def _tuning(tuning: Tuning) -> dict[str, Any]:
    """What a plan holds of the tuning; what is tried of each method stands with its runs."""
    return {'tries' if key == 'trials' else key: value for key, value in tuning.given.items() if key != 'axes'}


def part_of(suite: Suite, methods: list[str] | None, only: str | None, asked: int, whole: int,
            main: str | None = None) -> dict:
    """``part``: what of the suite the command line asked for; empty where that is all of it.

    Args:
        suite: The suite.
        methods: Names of the methods that were asked for.
        only: Pattern of the runs that were asked for.
        asked: Their number.
        whole: That of all runs.
        main: Label of the suite's main condition where none of these runs is under it.
    """
    part = {}
    if asked < whole:
        part.update(only=only, runs=asked, of_runs=whole, **(dict(main=main) if main else {}))
    if methods is not None and (kept := [name for name in suite.methods if name in methods]) != [*suite.methods]:
        part.update(methods=kept, of_methods=len(suite.methods))
    return dict(part=part) if part else {}


def training_settings(suite: Suite, runs: list[Run]) -> dict:
    """How the runs train: what all share, then what differs by condition, and what differs by method."""
    trials: dict[tuple[str, str], list[dict]] = {}
    shown: dict[tuple[str, str], int] = {}
    for run in runs:
        for place in ((condition, run.method) for condition in (run.condition, *run.also)):
            if shown.setdefault(place, run.seed) == run.seed:
                trials.setdefault(place, []).append(protocol(run.config))
    found = {place: {key: _tried([one.get(key) for one in contents]) for key in contents[0]}
             for place, contents in trials.items()}
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
                conditions.setdefault(suite.conditions[name].label, {})[key] = own[0]
        elif all(map(_same, by_method.values())):
            for name, own in by_method.items():
                methods.setdefault(suite.methods[name].label, {})[key] = own[0]
        else:
            for (condition, name), value in values.items():
                label = f'{suite.methods[name].label}, {suite.conditions[condition].label}'
                methods.setdefault(label, {})[key] = value
    return shared | {k: v for k, v in conditions.items() if len(suite.conditions) > 1} | methods


def _tried(values: list) -> Any:
    """A setting, or all of its trials."""
    distinct = list({json.dumps(value): value for value in values}.values())
    return distinct[0] if len(distinct) == 1 else f'tuned: {", ".join(map(str, distinct))}'


def _same(values: Iterable) -> bool:
    return len({json.dumps(value) for value in values}) == 1


def _docstring(path: str) -> str:
    return (ast.get_docstring(ast.parse(Path(path).read_text(encoding='utf-8'))) or '').split('\n')[0]
