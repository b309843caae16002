"""Which views of the images were trained on, in a reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: The paper's: mirrored or not, at one of two scales.
PAPERS = 0.5, [1.0, 0.8]


class Views(NamedTuple):
    """What some methods were trained on: ``kind`` in a word or two, what that is, and whose it is; '' of all."""

    kind: str
    text: str
    whose: str


def trained_on(analysis: Mapping[str, Any]) -> list[Views]:
    """The views of all runs, or of methods and conditions where these differ; empty where the plan does not say."""
    settings = analysis['settings']
    methods = [analysis['methods'][name]['label'] for name in analysis['order']['methods']]
    conditions = [one['label'] for one in analysis['conditions'].values()]
    places: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for condition in conditions:
        for method in methods:
            found = {key: value for key, value in settings.items() if not isinstance(value, dict)}
            for name in (condition, method, f'{method}, {condition}'):
                found |= own if isinstance(own := settings.get(name), dict) else {}
            if said := _said(found):
                places.setdefault(said, []).append((condition, method))
    return [Views(kind, text, '' if len(places) == 1 else _whose(own, conditions, methods))
            for (kind, text), own in places.items()]


def _whose(places: Sequence[tuple[str, str]], conditions: Sequence[str], methods: Sequence[str]) -> str:
    """Conditions where they are those of all methods, methods where under all conditions, else both."""
    those = [name for name in conditions if name in {condition for condition, _ in places}]
    which = [name for name in methods if name in {method for _, method in places}]
    if len(places) == len(those) * len(methods):
        return ', '.join(those)
    if len(places) == len(which) * len(conditions):
        return ', '.join(which)
    return ', '.join(f'{method} under {condition}' for condition, method in places)


def _said(settings: Mapping[str, Any]) -> tuple[str, str] | None:
    """The views of a run in words, of what its plan says of them."""
    flip, scales = settings.get('view_flip'), settings.get('view_scales')
    if not isinstance(flip, (int, float)) or not isinstance(scales, list) or not scales:
        return None
    rotation, shift, count = (settings.get(key) for key in ('view_rotation', 'view_shift', 'views'))
    mirrored = ('never mirrored at random' if not flip else 'as it is or mirrored, each half of the time' if flip == 0.5
                else f'mirrored with a probability of {flip:g}')
    if not (rotation or shift or count or settings.get('view_scales_between')):
        kind = 'mirrored and scaled views' if flip else 'scaled views' if len(scales) > 1 else 'plain views'
        number = (2 if flip else 1) * len(scales)
        return kind, (f'each image {mirrored}, at scale {" or ".join(f"{one:g}" for one in scales)}'
                      + (f', so {number} views' if number > 1 else '')
                      + ("; the paper's protocol" if (flip, scales) == PAPERS else ''))
    moved = [f'zoomed by {scales[0]:g} to {scales[-1]:g}', *([f'turned by up to {rotation:g}°'] if rotation else []),
             *([f'shifted by up to {100 * shift:g} % of the input'] if shift else [])]
    drawn = f'{count} views of each image, drawn once' if count else 'views drawn anew each time'
    return 'affine views', f'{drawn}: {mirrored}, {", ".join(moved[:-1])}{" and " if moved[1:] else ""}{moved[-1]}'
