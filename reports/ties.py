"""Tie groups in words: which methods can't be told apart, and what the letters of Table 1 rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .answers import listed
from .numbers import form, lookup

#: Methods from which on letters say more than the contrasts themselves.
FEWEST = 3
#: Groups that the sentence names.
NAMED = 3
CAVEAT = 'which is not a finding that they are equal'


def tied(analysis: dict[str, Any]) -> dict[str, Any] | None:
    """The block ``tie_groups``; None where there are no letters, or only two methods have them."""
    block: dict[str, Any] | None = analysis.get('tie_groups')
    return block if block and len(block['letters']) >= FEWEST else None


def letters(analysis: dict[str, Any], method: str) -> str | None:
    """Letters of a method; None where it has none."""
    found: str | None = lookup(analysis.get('tie_groups'), ('letters', method))
    return found


def said(analysis: dict[str, Any], label: Callable[[str], str] | None = None, warned: bool = False) -> str | None:
    """'By ME, as training procedures, A, B and C can't be told apart; nor can D and E.'; None without letters.

    Args:
        analysis: Content of analysis.json.
        label: Method -> its name for readers.
        warned: Whether it stands behind words that say that what is open is not equal.
    """
    block = tied(analysis)
    if block is None:
        return None
    caveat = '' if warned else f', {CAVEAT}'
    label = label or (lambda name: str(analysis['methods'][name]['label']))
    count, several = len(block['letters']), [group for group in block['groups'] if len(group) > 1]
    start = f'By {form(analysis, block["endpoint"]).head}, as training procedures,'
    without = listed([label(name) for name in block['without']]) if block['without'] else ''
    rest = f' {without} could not be compared with all others.' if without else ''
    if not several:
        return f'{start} every two of {count} methods differ.{rest}'
    if len(several[0]) == count:
        return f'{start} no two of {count} methods can be told apart{caveat}.{rest}'
    groups = [listed([label(name) for name in group]) for group in several[:NAMED]]
    more = len(several) - len(groups)
    also = f'; Table 1 has {more} more such group{"s" if more > 1 else ""}' if more else ''
    if warned:
        return f'Can\'t be told apart: {"; ".join(groups)}{also}.{rest}'
    first, *others = groups
    text = ''.join([f'{start} {first} can\'t be told apart{caveat}', *(f'; nor can {group}' for group in others)])
    return f'{text}{also}.{rest}'


def rests_on(analysis: dict[str, Any]) -> str | None:
    """What the letters are and rest on, for the note of a table; without letters, why; None of fewer methods."""
    block = analysis.get('tie_groups')
    if block is None or len(analysis['order']['methods']) < FEWEST:
        return None
    if tied(analysis) is None:
        return f'There are no tie groups: {block["reason"]}.' if block['reason'] else None
    parts = [f'{block["planned"]} planned {_pairs(block["planned"])} (p adjusted over the planned family)']
    parts = parts if block['planned'] else []
    if block['other']:
        every = '' if block['planned'] else 'all '
        parts += [f'{every}{block["other"]} {"other " if block["planned"] else ""}{_pairs(block["other"])}, '
                  'exploratory (p adjusted over all pairs)']
    text = (f'Tie group: methods that share a letter can\'t be told apart by '
            f'{form(analysis, block["endpoint"]).head} as training procedures at level {analysis["alpha"]:g}, '
            f'{CAVEAT}; methods that share none differ. Letters rest on {" and ".join(parts)}.')
    if block['without']:
        labels = listed([analysis['methods'][name]['label'] for name in block['without']])
        text += f' Without a letter: {labels}, not compared with all others ({block["reason"]}).'
    return text


def _pairs(count: int) -> str:
    return 'pair' if count == 1 else 'pairs'
