"""Whether a suite's data can answer what its analysis asks, and which landmarks its runs can learn."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from benchmark.datasets.labels import choose_subset, untrained
from benchmark.datasets.metainfo import choose_flip_policy
from benchmark.datasets.prepared import Split
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.configs import CONFIGS, read_config
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import PreparedData
from benchmark.experiments.suite.suite import Suite

from .runs import Run


def answerable(suite: Suite, root: Path, test: Split) -> Suite:
    """A suite whose analysis the data can answer, checked before anything is trained on them.

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
    if missing := [name for name in analysis.groups if name not in meta.groups]:
        have = f'It has: {", ".join(meta.groups)}' if meta.groups else 'It has none'
        if not suite.data_replaced:
            raise SuiteError(f"analysis.groups: {root} has no subgroup {missing[0]!r}. {have}; correct the suite, or "
                             "name it in the data's metainfo.json (groups).")
        print(f'note: {root} has no subgroup {", ".join(missing)}; the suite\'s question about it is left out. {have}.')
        analysis = changed(analysis, groups=tuple(name for name in analysis.groups if name in meta.groups))
    if 'NME' in analysis.margin and not meta.interocular:
        raise SuiteError(f'analysis.margin.NME: {root} names no inter-ocular pair in its metainfo.json, so there is no '
                         'NME. Name the pair, or leave this margin out.')
    reported = suite.reported
    if isinstance(suite.data, PreparedData) and reported and reported == _papers_numbers():
        print("note: the paper's numbers are from another data set, and are left out beside your own data.")
        reported = {}
    if meta.unpaired:
        print(f'note: {root} names no landmarks that are mirror images of each other, so no image is mirrored. '
              f'`tools/prepare_data.py check {root}` proposes pairs; "flip_policy": "never" in its metainfo.json says '
              'that it is meant so, "midline": true that each landmark is its own mirror image.')
    units = {record.subject if meta.subject else record.file_name for record in test.records}
    if len(units) < 2:
        kind = 'subject' if meta.subject else 'image'
        raise SuiteError(f'{root}/annotations/test.json: {len(units)} {kind}: nothing can be said about other {kind}s. '
                         f'Give the test split at least two {kind}s.')
    return changed(suite, analysis=analysis, reported=reported)


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


def say_never_trained(suite: Suite, runs: list[Run], root: Path) -> None:
    """Prints which landmarks are left out of the mean error, under each condition."""
    for condition, about in suite.conditions.items():
        own = [run for run in runs if condition in (run.condition, *run.also)]
        for name, count in {name: count for run in own for name, count in run.untrained.items()}.items():
            lacking = sum(name in run.untrained for run in own)
            which = f'all {len(own)}' if lacking == len(own) else f'{lacking} of {len(own)}'
            print(f'note: {about.label}: landmark {name} is annotated in {count} test images and can '
                  f'be learned from no training image of {which} runs ({root}): it is left out of the mean error.')


def _papers_numbers() -> dict:
    return read_config(CONFIGS / 'suites' / 'demo.py').to_dict()['reported']
