"""Config values by dotted key, checked: a misspelt part of a config is an error, not one more key that does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

HOOKS = 'custom_hooks'
#: What MMEngine's Runner reads of a config whether or not it is there.
OPTIONAL = {'activation_checkpointing', 'auto_scale_lr', 'compile', 'efficient_conv_bn_eval', 'experiment_name',
            'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn'}


class OverrideError(ValueError):
    """A key that names nothing in the config, or a value that does not fit there."""


def override(cfg: Config, options: Mapping[str, Any]) -> None:
    """Writes values into a config.

    Args:
        cfg: The config; changed in place.
        options: Value by dotted key, as MMEngine's ``--cfg-options``. A hook may be named by its type instead of its
            place in the list, which depends on the others: ``custom_hooks.LPFTHook.share``.

    Raises:
        OverrideError: The config has no such part or hook, or has a value where the key goes on.
    """
    for key, value in options.items():
        first, *rest = key.split('.')
        if first not in cfg and first not in OPTIONAL:
            raise OverrideError(f'{key!r}: the config has no {first!r}. It has: {", ".join(sorted(cfg.keys()))}.')
        if first == HOOKS and rest:
            rest[0] = _place(cfg, key, rest[0])
        try:
            cfg.merge_from_dict({'.'.join((first, *rest)): value})
        except (KeyError, TypeError) as error:
            raise OverrideError(f'{key!r} does not fit the config: {error.args[0]}') from error


def _place(cfg: Config, key: str, name: str) -> str:
    """The place of a hook in the list."""
    types = [hook['type'] for hook in cfg[HOOKS]]
    if name.isdecimal() and int(name) < len(types):
        return name
    if types.count(name) != 1:
        raise OverrideError(f'{key!r}: the config has {types.count(name)} hooks {name!r}. It has: {", ".join(types)}.')
    return str(types.index(name))
