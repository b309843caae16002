"""The axis of a suite: what its conditions vary, by name, and the value of each on it."""

from __future__ import annotations

from collections.abc import Mapping

from .model import SETTINGS, Condition

LABELS = 'labelled training images'
UNNAMED = 'value of the condition'
#: Settings that follow another one, such as the training's length that of the number of labels.
FOLLOWING = {'iterations', 'epochs', 'val_interval', 'feature_cache'}


def axis(conditions: Mapping[str, Condition], images: int) -> tuple[str, dict[str, float | None]]:
    """Name of the axis, and each condition's value on it.

    Where values are numbers of labels, a condition without one has all ``images``; on any other axis it has none.

    Args:
        conditions: The suite's, as in :class:`.suite.Suite`.
        images: Number of training images there are.

    Returns:
        The name where the suite declares none (``analysis.value_label``), and condition -> value or None.
    """
    stated = [one for one in conditions.values() if one.value is not None]
    if all(one.value == one.num_labels for one in stated):
        return LABELS, {name: one.num_labels or images for name, one in conditions.items()}
    changed = {key for one in conditions.values() for key in _changed(one)}
    name = changed.pop() if len(changed) == 1 else UNNAMED
    return name.replace('_', ' '), {key: one.value for key, one in conditions.items()}


def _changed(condition: Condition) -> set[str]:
    """Names of what a condition sets; of dotted keys the last part."""
    found = {key for key in condition.given if key in (*SETTINGS, 'num_labels') and key not in FOLLOWING}
    for options in (condition.cfg_options or {}, *condition.method_options.values()):
        found |= {key.rpartition('.')[2] for key in options}
    return found - {'cfg_options'}
