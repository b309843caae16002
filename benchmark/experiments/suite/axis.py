"""The axis of a suite: what its conditions vary, by name, and the value of each on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .suite import SETTINGS

LABELS = 'labelled training images'
UNNAMED = 'value of the condition'
#: Settings that follow another one, such as the training's length that of the number of labels.
FOLLOWING = {'iterations', 'epochs', 'val_interval', 'feature_cache'}


def axis(conditions: Mapping[str, Mapping[str, Any]], images: int) -> tuple[str, dict[str, Any]]:
    """Name of the axis, and each condition's value on it.

    Where values are numbers of labels, a condition without one has all ``images``; on any other axis it has none.

    Args:
        conditions: The suite's, as in :class:`.suite.Suite`.
        images: Number of training images there are.

    Returns:
        The name where the suite declares none (``analysis.value_label``), and condition -> value or None.
    """
    stated = [one for one in conditions.values() if one.get('value') is not None]
    if all(one['value'] == one.get('num_labels') for one in stated):
        return LABELS, {name: one.get('num_labels') or images for name, one in conditions.items()}
    changed = {key for one in conditions.values() for key in _changed(one)}
    name = changed.pop() if len(changed) == 1 else UNNAMED
    return name.replace('_', ' '), {key: one.get('value') for key, one in conditions.items()}


def _changed(condition: Mapping[str, Any]) -> set[str]:
    """Names of what a condition sets; of dotted keys the last part."""
    found = {key for key in condition if key in (*SETTINGS, 'num_labels') and key not in FOLLOWING}
    for options in (condition.get('cfg_options') or {}, *(condition.get('method_options') or {}).values()):
        found |= {key.rpartition('.')[2] for key in options}
    return found - {'cfg_options'}
