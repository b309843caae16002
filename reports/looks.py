"""Looks at a suite in words: where a suite that stops itself stands, and what there is beside its verdicts."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import FUTILE, INFERIOR, SUPERIOR

from .answers import listed
from .numbers import form

#: What stands beside results that are not corrected for the looks, and beside families in which procedures are.
ONCE = 'As if these seeds had been looked at once.'
PROCEDURES_ONLY = ('Of procedures adjusted p and intervals hold over all looks; of networks, and where p is not '
                   'adjusted, they are as if these seeds had been looked at once.')


def planned_looks(analysis: dict[str, Any]) -> dict[str, Any] | None:
    """The block ``sequential`` of a suite that declared its looks; None without a plan."""
    block: dict[str, Any] | None = analysis.get('sequential')
    return block if block and block['plan'] else None


def overstated(one: dict[str, Any]) -> bool:
    """Whether a contrast of procedures was stopped for its difference, after the first look."""
    looks: dict[str, Any] | None = one.get('sequential')
    return looks is not None and looks['look'] > 1 and looks['decision'] in (SUPERIOR, INFERIOR)


def looked_again(analysis: dict[str, Any]) -> str | None:
    """The alert of a suite that was looked at several times without a plan; None where there is none."""
    return next((one['text'] for one in analysis['alerts'] if one['kind'] == 'looked at again'), None)


def standing(analysis: dict[str, Any]) -> list[str]:
    """Where a suite that stops itself stands, what that took, and what its numbers are; empty without a plan."""
    block = planned_looks(analysis)
    if block is None:
        return []
    last, most = block['looks'][-1], block['plan']['max_seeds']
    top = max(last['seeds'].values())
    wanted, lacking = [one for one in last['contrasts'] if one['primary']], last.get('lacking', [])
    if not wanted:
        return []
    futile = sum(one['decision'] == FUTILE for one in wanted)
    settled = sum(one['settled'] for one in wanted) - futile
    many = len(wanted) + len(lacking)
    still = many - settled - futile
    by = listed([form(analysis, name).head for name in block['primary']])
    parts = [f'{settled} of {many} planned contrast{"" if many == 1 else "s"} by {by} settled']
    parts += [f'{futile} given up as futile'] if futile else []
    parts += [f'{still} open' + (f', {len(lacking)} of them without results' if lacking else '')] if still else []
    done, fixed = block['trainings']['done'], block['trainings']['fixed']
    if last['last']:
        start = f'stopped after {top} of at most {most} seeds' if top < most else f'all {most} planned seeds are there'
        cost = f'It took {done} trainings, {fixed - done} fewer than {most} seeds of each method.'
        cost = cost if done < fixed else f'It took {done} trainings, as many as without looks.'
    else:
        start = f'so far {top} of at most {most} seeds'
        cost = f'Until now it took {done} of at most {fixed} trainings; what is open asks for more.'
    number = last['number']
    return [f'This suite stops itself: {start}, at look {number}; {", ".join(parts)}.', cost,
            'Intervals and p-values of the planned contrasts of training procedures hold over all looks; since who '
            'stops at a large difference overstates it, the median-unbiased estimate stands beside.']


def course(analysis: dict[str, Any], endpoint: str) -> list[list[dict[str, Any]]]:
    """The looks at each planned contrast of an endpoint that have an estimate, until it was settled.

    A contrast that stayed as it was, as it was settled or had no new seeds, is left out of the later looks; what it is
    called is what the last look calls it. One that an earlier look has settled, as Holm came to it later, ends with
    that look's numbers.

    Args:
        analysis: Content of analysis.json.
        endpoint: Of which.

    Returns:
        Contrasts in the order of the plan, each with one entry or more: what the look holds of it, ``path``, where that
        stands in analysis.json, and ``first``, the place of the look that tested it.
    """
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for place, look in enumerate(analysis['sequential']['looks']):
        for index, one in enumerate(look['contrasts']):
            if one['endpoint'] != endpoint or one['low'] is None:
                continue
            before = found.setdefault((one['a'], one['b']), [])
            stayed = [at for at, then in enumerate(before) if then['fraction'] == one['fraction']]
            first = before.pop(stayed[0])['first'] if stayed else place
            before.append({**one, 'first': first, 'path': ('sequential', 'looks', place, 'contrasts', index)})
    return [*found.values()]
