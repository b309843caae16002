"""Tie groups: which methods can't be told apart, as letters (compact letter display, Piepho 2004).

Two methods share a letter if and only if their pair was tested and is not significant. A pair that could not be tested
is neither a tie nor a difference, so that letters are given to methods only of which every two were compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from string import ascii_letters
from typing import Any

from .terms import BETTER, NOT_ESTIMABLE, PAIRS, PLANNED, PROCEDURE, WORSE

#: Groups that splitting may lead through; there are letters for 52.
MOST_GROUPS = 1000


def tie_groups(contrasts: Sequence[Mapping[str, Any]], order: Sequence[str], condition: str,
               endpoint: str = 'ME') -> dict[str, Any] | None:
    """Letters of the methods, from the contrasts of training procedures.

    A planned pair is judged within the planned family, as everywhere else; each other pair by the adjustment over all
    pairs. So letters never contradict the verdict on a planned contrast.

    Args:
        contrasts: Of :func:`.contrasts.contrasts`, of all families.
        order: Methods from best to worst; 'a' is of the first one's group.
        condition: The main condition.
        endpoint: The primary one.

    Returns:
        ``letters`` (method -> its letters), ``groups`` (their methods), ``planned`` and ``other`` (numbers of pairs
        that letters rest on, by family), ``without`` (methods without letters) and ``reason`` (why); None with one
        method.
    """
    if len(order) < 2:
        return None
    verdicts, reasons = {}, []
    for family in (PAIRS, PLANNED):  # the planned family's verdict goes before that over all pairs
        for one in contrasts:
            if (one['family'], one['endpoint'], one['scope'], one['condition']) == (
                    family, endpoint, PROCEDURE, condition):
                verdicts[frozenset((one['a'], one['b']))] = family, one['verdict']
                if one['verdict'] == NOT_ESTIMABLE:
                    reasons.append(one['reason'])
    compared = {pair for pair, (_, verdict) in verdicts.items() if verdict != NOT_ESTIMABLE}
    kept = all_compared(order, compared)
    apart = {pair for pair, (_, verdict) in verdicts.items() if verdict in (*BETTER, *WORSE)}
    found = insert_absorb(kept, apart) if len(kept) > 1 else []
    groups, without, reason = found or [], [name for name in order if name not in kept], None
    if len(kept) < 2:
        without, reason = [*order], reasons[0] if reasons else 'no two methods were compared'
    elif found is None:
        without, reason = [*order], 'they would need more letters than there are'
    elif without:
        reason = reasons[0] if reasons else 'not all of their pairs were compared'
    families = [family for pair, (family, _) in verdicts.items() if pair <= {*order} - {*without}]
    return {
        'endpoint': endpoint,
        'letters': {name: ''.join(letter for letter, group in zip(ascii_letters, groups, strict=False)
                                  if name in group) for name in order if name not in without},
        'groups': groups, 'planned': families.count(PLANNED), 'other': families.count(PAIRS),
        'without': without, 'reason': reason,
    }


def all_compared(order: Sequence[str], compared: Collection[frozenset[str]]) -> list[str]:
    """The methods that are left when those with most pairs not compared are taken out, one by one, the last first.

    Args:
        order: All methods.
        compared: Pairs that were.

    Returns:
        In their order; every two of them were compared.
    """
    kept = [*order]
    while True:
        lacking = {name: sum(other != name and frozenset((name, other)) not in compared for other in kept)
                   for name in kept}
        most = max(lacking.values())
        if not most:
            return kept
        kept.remove(next(name for name in reversed(kept) if lacking[name] == most))


def insert_absorb(order: Sequence[str], apart: Collection[frozenset[str]]) -> list[list[str]] | None:
    """Groups of methods no two of which are apart, as large as can be: two share a group unless their pair is apart.

    It begins with one group of all. Each pair that is apart splits every group that has both into one without the one
    and one without the other; a group that lies within another is absorbed by it (Piepho 2004).

    Args:
        order: Methods, every two of which were compared.
        apart: Pairs that are significant.

    Returns:
        The groups in the order of their first, then second, ... methods; None with more than 52 of them.
    """
    place = {name: number for number, name in enumerate(order)}
    groups = [frozenset(order)]
    for pair in sorted((sorted(pair, key=place.__getitem__) for pair in apart if pair <= {*order}),
                       key=lambda pair: [place[name] for name in pair]):
        whole = [group for group in groups if {*pair} <= group]
        kept = [group for group in groups if not {*pair} <= group]
        for part in {group - {name} for group in whole for name in pair}:
            if not any(part <= other for other in kept):
                kept = [other for other in kept if not other < part] + [part]
        groups = kept
        if len(groups) > MOST_GROUPS:
            return None
    if len(groups) > len(ascii_letters):
        return None
    return sorted((sorted(group, key=place.__getitem__) for group in groups),
                  key=lambda group: [place[name] for name in group])
