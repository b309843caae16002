"""Config values by dotted key, checked: each reaches what a run reads, and a misspelt or unread one is an error.

MMEngine's Runner reads some names at the top of a config. All others are helpers of the file (``codec``, ``backbone``,
``train_pipeline``), whose values were copied to where they are used when the file was read: a value that is written
into a helper afterwards changes nothing. So such a key is taken for those of the copies.
"""

from __future__ import annotations

import copy
import difflib
import functools
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
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
#: Names at the top of a config that are read.
LIVE = OPTIONAL | {'custom_imports'}
#: How code asks a config for a name: cfg.name, cfg['name'], cfg.get('name').
ASKS = re.compile(r"""\bcfg\s*(?:\.\s*get\(\s*['"]|\.\s*|\[\s*['"])(\w+)""")
#: How alike a misspelt name and the one that was meant are, of 1.
ALIKE = 0.7


class OverrideError(ValueError):
    """A key that names nothing in the config or that nothing reads, or a value that does not fit there."""


def override(cfg: Config, options: Mapping[str, Any]) -> None:
    """Writes values into a config.

    Args:
        cfg: The config; changed in place.
        options: Value by dotted key, as MMEngine's ``--cfg-options``; they stay as they are. A hook may be named by its
            type instead of its place in the list, which depends on the others: ``custom_hooks.LPFTHook.share``. What is
            given to a helper's name goes to all places where its value stands (see :func:`expanded`).

    Raises:
        OverrideError: The config has no such part or hook, or has a value where the key goes on.
    """
    for key, value in expanded(cfg, options).items():
        parts = located(cfg, key)
        _check_entries(cfg, key, parts)
        try:
            # MMEngine takes `_delete_` out of what it merges.
            cfg.merge_from_dict({'.'.join(parts): copy.deepcopy(value)})
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            said = str(error.args[0] if error.args else error).partition(' [')[0]
            raise OverrideError(f'{key!r} does not fit the config ({said}). Correct the key; a list of plain values is '
                                'given as a whole.') from error


def expanded(cfg: Config, options: Mapping[str, Any]) -> dict[str, Any]:
    """The same values by keys that are read: a helper's key becomes those of all places where its value stands.

    Args:
        cfg: A config before anything was written into it, so that the copies of a helper still equal it.
        options: Value by dotted key.

    Raises:
        OverrideError: A name that the config does not have, or a helper whose value stands nowhere.
    """
    result: dict[str, Any] = {}
    for key, value in options.items():
        first, _, rest = key.partition('.')
        if first in LIVE or read_by_modules(cfg, first):
            result[key] = value
            continue
        if first not in cfg:
            have = sorted(name for name in cfg if name in LIVE)
            near = difflib.get_close_matches(first, LIVE, 1, ALIKE)
            raise OverrideError(f'{key!r}: the config has no {first!r}.' + (f' Is it {near[0]!r}?' if near else '')
                                + f' It has: {", ".join(have)}.')
        places = copies(cfg, first)
        if not places:
            raise OverrideError(f'{key!r}: nothing reads {first!r}, a helper of the file whose value stands nowhere in '
                                'what a run reads, so that this would change nothing. Name the part itself, such as '
                                'model.backbone.')
        result.update({f'{place}.{rest}' if rest else place: value for place in places})
    return result


def copies(cfg: Config, name: str) -> list[str]:
    """Where a helper's value stands in what a run reads, as dotted keys.

    A dict is found where all its items stand, perhaps beside others; a list where an equal one does; a text where an
    equal one has the helper's name or its end (``source_checkpoint`` as ``checkpoint``). Numbers are not looked for.
    """
    helper = cfg._cfg_dict[name]

    def holds(key: str, node: Any) -> bool:
        if isinstance(helper, dict):
            return bool(helper) and isinstance(node, dict) and (
                node == helper or len(helper) > 1 and all(k in node and node[k] == v for k, v in helper.items()))
        if isinstance(helper, (list, tuple)):
            return bool(helper) and isinstance(node, (list, tuple)) and list(node) == list(helper)
        return isinstance(helper, str) and node == helper and bool(helper) and name.endswith(key)

    return [place for place, node in _nodes({key: cfg._cfg_dict[key] for key in cfg if key in LIVE}, '')
            if holds(place.rpartition('.')[2], node)]


def _nodes(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    """All values of a nested config with their dotted keys."""
    for key, value in (node.items() if isinstance(node, dict) else enumerate(node)):
        below = f'{place}.{key}' if place else str(key)
        yield below, value
        if isinstance(value, (dict, list, tuple)):
            yield from _nodes(value, below)


def read_by_modules(cfg: Config, name: str) -> bool:
    """Whether a module of the user's, that the config imports, asks a config for a name at its top."""
    modules = (cfg.get('custom_imports') or {}).get('imports', [])
    return any(name in _asked(module) for module in modules if module.partition('.')[0] != 'benchmark')


@functools.cache
def _asked(module: str) -> frozenset[str]:
    """Names that a module, or any of its package's, asks something called ``cfg`` for; nothing is imported."""
    spec = importlib.util.find_spec(module.partition('.')[0])
    if spec is None:
        return frozenset()
    files = [path for place in spec.submodule_search_locations or () for path in Path(place).rglob('*.py')]
    if not files and spec.has_location and spec.origin:
        files = [Path(spec.origin)]
    return frozenset(name for path in files for name in ASKS.findall(path.read_text('utf-8', errors='replace')))


def located(cfg: Config, key: str) -> list[str]:
    """The parts of a key, a hook's type replaced by its place in the list.

    Raises:
        OverrideError: There is no such hook, or there are several.
    """
    first, *rest = key.split('.')
    if first == HOOKS and rest:
        rest[0] = _place(cfg, key, rest[0])
    return [first, *rest]


def leaves(*options: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key where those that are dicts are taken apart; of what is written twice the later one."""
    result: dict[str, Any] = {}
    for key, value in (item for one in options for item in one.items()):
        whole = not isinstance(value, dict) or not value
        if whole or value.get('_delete_'):
            result = {known: one for known, one in result.items() if not known.startswith(f'{key}.')}
        if whole:
            result[key] = value
        else:
            result |= leaves({f'{key}.{name}': one for name, one in value.items() if name != '_delete_'})
    return result


def standing(cfg: Config, key: str) -> Any:
    """The value of a config by dotted key; ``...`` where there is none."""
    node: Any = cfg._cfg_dict
    try:
        for part in located(cfg, key):
            node = node[int(part)] if isinstance(node, (list, tuple)) else node[part]
    except (KeyError, IndexError, TypeError, ValueError):
        return ...
    return node


def plain(value: Any) -> Any:
    """A config's value in lists, dicts and plain values, so that equal ones are equal."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key != '_delete_'}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


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
