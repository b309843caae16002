"""The other decodings of the same heatmaps, in words and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .numbers import Form, form, lead

#: Decoding -> its name for readers.
WORDS = {'argmax': 'argmax', 'quarter': 'quarter offset', 'dark': 'DARK'}


@dataclass(frozen=True)
class Decodings:
    """What is shown of the other decodings.

    Attributes:
        forms: How the endpoints are shown, the one that Table 1 begins with first.
        names: The decodings.
        methods: Methods that have them, as ordered.
        first: Of these, the one that the line is about: the reference, else the first.
        reason: Why nothing is shown, or which methods are not.
    """

    forms: list[Form]
    names: list[str]
    methods: list[str]
    first: str | None
    reason: str | None


def word(decoding: str) -> str:
    """A decoding's name for readers; that of a codec of somebody's own as it is."""
    return WORDS.get(decoding, decoding)


def other_decodings(analysis: dict[str, Any]) -> Decodings | None:
    """What an analysis says of other decodings; None where it says nothing, as of tables without runs."""
    block = analysis.get('decodings')
    if not block:
        return None
    leading = [name for name in dict.fromkeys((lead(analysis), 'ME', 'NME')) if name in block['endpoints']]
    endpoints = leading or block['endpoints'][:1]
    methods = [name for name in analysis['order']['methods'] if name in block['methods']]
    first = analysis['reference'] if analysis['reference'] in methods else next(iter(methods), None)
    return Decodings([form(analysis, name) for name in endpoints], block['names'], methods, first, block['reason'])


def in_words(analysis: dict[str, Any], label: Any) -> str | None:
    """A line for summaries: each method's means in every decoding; or why there are none.

    Args:
        label: Method -> its name.
    """
    found = other_decodings(analysis)
    if found is None:
        return None
    if found.first is None:
        return f'Other decodings of the same heatmaps are not shown: {found.reason}.'
    look, methods = found.forms[0], analysis['decodings']['methods']
    told = [f'{label(name)} ' + ', '.join(
        f'{word(one)} {look.text(methods[name]["means"][one].get(look.endpoint))}'
        f'{" (used)" if one == methods[name]["used"] else ""}' for one in found.names if one in methods[name]['means'])
        for name in found.methods]
    rest = f' Not shown: {found.reason}.' if found.reason else ''
    return f'The same heatmaps decoded otherwise ({look.head}, {look.unit}): {"; ".join(told)}.{rest}'
