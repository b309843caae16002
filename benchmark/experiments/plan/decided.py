"""What a plan decides of a run's config: values that are written elsewhere in a suite, and those that would not stand.

A value that the plan writes over, or that contradicts what plan and page say of a run, is refused with the field that
decides it. So a key either reaches the run or is an error, and no difference of nothing stands on a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from benchmark.experiments.suite.overrides import OverrideError, leaves, plain, standing

LOADERS = '(train|val|test)_dataloader'
#: Keys -> what decides them. Values at these keys would contradict the plan, or be written over.
DECIDED = {
    rf'data_root|{LOADERS}\.dataset\.(data_root|split|ann_file)': "the suite's data (field data, or --data-root)",
    r'source_checkpoint|model\.(source|backbone\.init_cfg)\.checkpoint': "the suite's source (field source, or "
                                                                         '--source)',
    r'randomness\.seed|train_dataloader\.(sampler\.seed|dataset\.(view_seed|split_seed))':
        'seeds and seeding of the suite',
    r'train_dataloader\.dataset\.num_labels': 'num_labels of a condition',
    rf'{LOADERS}\.dataset\.(pipeline\.\d+\.)?input_size|.*\.(encoder|decoder)\.(input_size|heatmap_size)':
        'the setting input_size',
    r'(val|test)_evaluator\.threshold': 'analysis.threshold of the suite',
    r'(val|test)_evaluator\.(landmarks|stride|interocular|annotators|positions)|model\.(head|backbone)\.out_channels':
        "the data's landmarks (metainfo.json)",
    r'load_from|resume': "the suite's source and, for what was interrupted, the same command",
    r'work_dir|experiment_name|launcher|cfg': "--out and the suite's executor",
    r'(sync_bn|find_unused_parameters|model_wrapper_cfg)(\..*)?': 'nobody: a run is one process, which reads none of '
                                                                  'these',
    r'data_preprocessor(\..*)?': 'model.data_preprocessor, which goes before it'}
#: Keys whose values are written over by what a run starts from or by its data -> why, and what to set instead.
WRITTEN_OVER = {
    r'model\.(source\.)?backbone\..*|model\.head\.in_channels':
        "the encoder is the source's network. Set depth or width in settings, or give another source",
    r'model\.data_preprocessor\.(mean|std)': "images are normalised as the source's were",
    r'train_dataloader\.dataset\.pipeline\.\d+\.flip': "the data's flip_policy (metainfo.json) draws no flips",
    r'train_dataloader\.batch_size': 'there are no more training images',
    r'param_scheduler\..*|train_cfg\.max_epochs': 'the length of the training decides it (iterations or epochs)'}


#: Hooks without which a run trains otherwise than it says, in silence -> what would be lost.
NEEDED_HOOKS = {'SetEpochHook': 'every epoch would see the same views',
                'TransferHook': 'schedules of regularisers would stand still',
                'StrictSourceHook': 'a source that does not fit would be passed over',
                'FiniteLossHook': 'a training that has diverged would go on'}


def check_hooks(cfg: Config) -> None:
    """Checks that a run has the hooks that it cannot do without: a list of hooks replaces that of its base.

    Raises:
        OverrideError: One is missing.
    """
    there = {hook.get('type') for hook in cfg.get('custom_hooks') or ()}
    for name, lost in NEEDED_HOOKS.items():
        if name not in there:
            raise OverrideError(f"'custom_hooks': has no {name}, so that {lost}. A list replaces that of its base: in "
                                "a method's file write custom_hooks = [*_base_.custom_hooks, dict(type=...)].")


def check_keys(*options: Mapping[str, Any]) -> None:
    """Checks that no value is given for what the plan decides.

    Args:
        options: Values by dotted key, none of them a helper's.

    Raises:
        OverrideError: One is; names what decides it.
    """
    for key, value in leaves(*options).items():
        if key == 'model.source.checkpoint' and value == 'random':
            continue
        for pattern, decides in DECIDED.items():
            if re.fullmatch(pattern, key):
                raise OverrideError(f'{key!r}: is decided by {decides}. Remove the key and set that.')


def check_standing(cfg: Config, *options: Mapping[str, Any]) -> None:
    """Checks that every value that was asked for stands in a run's config once the plan has written its own.

    Args:
        cfg: The finished config of a run.
        options: Values by dotted key, in the order in which they were written.

    Raises:
        OverrideError: One was written over; names what stands there, and why.
    """
    for key, value in leaves(*options).items():
        found = standing(cfg, key)
        if plain(found) == plain(value):
            continue
        why = next((why for pattern, why in WRITTEN_OVER.items() if re.fullmatch(pattern, key)),
                   'the plan writes over it')
        there = 'is not in the run' if found is ... else f'is {plain(found)!r} in the run'
        raise OverrideError(f'{key!r}: would change nothing: it {there}, not {value!r}, because {why}.')


def check_codec(cfg: Config) -> None:
    """Checks that a run has one codec: the one that draws the targets decodes the heatmaps.

    Raises:
        OverrideError: Its copies differ; names them.
    """
    places = [f'{loader}.dataset.pipeline.{number}.encoder'
              for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader')
              for number in range(len(cfg[loader].dataset.pipeline))] + ['model.head.decoder']
    copies = {place: plain(one) for place in places if isinstance(one := standing(cfg, place), dict)}
    places = [*copies]
    for place, one in copies.items():
        first = copies[places[0]]
        for field in sorted(one.keys() | first.keys()):
            if one.get(field) != first.get(field):
                raise OverrideError(f'{f"{place}.{field}"!r}: is {one.get(field)!r}, but {places[0]}.{field} is '
                                    f'{first.get(field)!r}: a run has one codec, which draws the targets and decodes '
                                    f"the heatmaps. Give 'codec.{field}', which reaches all of its places.")
