"""Config values by dotted key, checked: a misspelt part of a config is an error, not one more key that does nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

HOOKS = 'custom_hooks'
#: What MMEngine's Runner reads of a config whether or not it is there: its arguments (written down, as importing it
#: takes a second) and what it asks the config for.
OPTIONAL = {
    'auto_scale_lr', 'cfg', 'custom_hooks', 'data_preprocessor', 'default_hooks', 'default_scope', 'env_cfg',
    'experiment_name', 'launcher', 'load_from', 'log_level', 'log_processor', 'model', 'optim_wrapper',
    'param_scheduler', 'randomness', 'resume', 'test_cfg', 'test_dataloader', 'test_evaluator', 'train_cfg',
    'train_dataloader', 'val_cfg', 'val_dataloader', 'val_evaluator', 'visualizer', 'work_dir',
    'activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters', 'model_wrapper_cfg',
    'sync_bn'}


class OverrideError(ValueError):
    """A key that names nothing in the config, or a value that does not fit there."""


def override(cfg: Config, options: Mapping[str, Any]) -> None:
    """Writes values into a config.

    Args:
        cfg: The config; changed in place.
        options: Value by dotted key, as MMEngine's ``--cfg-options``; they stay as they are. A hook may be named by its
            type instead of its place in the list, which depends on the others: ``custom_hooks.LPFTHook.share``.

    Raises:
        OverrideError: The config has no such part or hook, or has a value where the key goes on.
    """
    for key, value in options.items():
        first, *rest = key.split('.')
        if first not in cfg and first not in OPTIONAL:
            raise OverrideError(f'{key!r}: the config has no {first!r}. It has: {", ".join(sorted(cfg.keys()))}.')
        if first == HOOKS and rest:
            rest[0] = _place(cfg, key, rest[0])
        _check_entries(cfg, key, [first, *rest])
        try:
            # MMEngine takes `_delete_` out of what it merges.
            cfg.merge_from_dict({'.'.join((first, *rest)): copy.deepcopy(value)})
        except (KeyError, TypeError, AttributeError) as error:
            raise OverrideError(f'{key!r} does not fit the config ({error.args[0]}). Correct the key; a list of plain '
                                'values is given as a whole.') from error


def _check_entries(cfg: Config, key: str, parts: list[str]) -> None:
    """Checks that a collection of entries with a type each, such as a head's regularisers, gets none without one."""
    node = cfg._cfg_dict
    for depth, (part, following) in enumerate(zip(parts, parts[1:])):
        if not isinstance(node, dict):
            return
        if part not in node:
            entries = node and all(isinstance(value, dict) and 'type' in value for value in node.values())
            if entries and following != 'type':
                raise OverrideError(f'{key!r}: {".".join(parts[:depth])} has no {part!r}. It has: {", ".join(node)}.')
            return
        node = node[part]


def _place(cfg: Config, key: str, name: str) -> str:
    """The place of a hook in the list."""
    types = [hook.get('type') for hook in cfg.get(HOOKS) or ()]
    if name.isdecimal() and int(name) < len(types):
        return name
    if types.count(name) != 1:
        raise OverrideError(f'{key!r}: the config has {types.count(name)} hooks {name!r}. It has: '
                            f'{", ".join(map(str, types)) or "none"}.')
    return str(types.index(name))
