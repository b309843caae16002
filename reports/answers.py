"""The answer in a sentence or two: the primary endpoint's verdicts on the planned contrasts, by what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from benchmark.judging.judged import shortcoming
from benchmark.statistics.terms import (
    INCONCLUSIVE,
    NETWORKS,
    NOT_ESTIMABLE,
    PROCEDURE,
    SAID_OF,
    SAID_WITHIN,
    Scope,
)
from benchmark.statistics.wording import reach

from .numbers import form, primary, tested, written
from .planned import by_scope, cross_validated, pair_of, planned, planned_pairs
from .verdicts import VERDICTS

NAMED = 8  # names in a sentence; the others are counted
#: A verdict, and what it leaves to say of the margin.
Said = tuple[str, str]
Name = TypeVar('Name')


@dataclass(frozen=True)
class Pair:
    """A planned contrast of the primary endpoint, a minus b, with the places of its two scopes in ``contrasts``."""

    a: str
    b: str
    procedure: int
    networks: int


def answered(analysis: dict[str, Any], endpoint: str | None = None) -> list[Pair]:
    """The planned contrasts by an endpoint, the primary one, under the main condition, in the order of the plan."""
    found = by_scope(planned(analysis, endpoint or primary(analysis)), pair_of)
    return [Pair(a, b, scopes[PROCEDURE], scopes[NETWORKS]) for (a, b), scopes in found.items() if len(scopes) == 2]


def single_seed(analysis: dict[str, Any], pairs: Sequence[Pair]) -> bool:
    """Whether no contrast can be judged as training procedures, since a method of each has one seed."""
    return not cross_validated(analysis) and all(
        min(analysis['contrasts'][pair.procedure]['n_seeds']) < 2 for pair in pairs)


def answers(analysis: dict[str, Any], label: Callable[[str], str] | None = None) -> list[str]:
    """The answer in plain sentences; empty where no contrast was planned.

    By the primary endpoint; where a margin is declared for others alone, by these too, since only they can settle
    whether a difference matters.

    Args:
        analysis: Content of analysis.json.
        label: Method -> its name for readers.
    """
    pairs = answered(analysis)
    label = label or (lambda name: analysis['methods'][name]['label'])
    if not pairs:
        return []
    verdict = {place: (one['verdict'], reach(one, 'the margin')) for place, one in enumerate(analysis['contrasts'])}
    if single_seed(analysis, pairs):
        return [
            'One training run per method cannot tell which training procedure is better.',
            f'{SAID_OF[NETWORKS]}: {_sentence([(p, verdict[p.networks]) for p in pairs], label)}',
            *_by_margin(analysis, label, NETWORKS),
        ]
    first = f'{SAID_OF[PROCEDURE]}: {_sentence([(p, verdict[p.procedure]) for p in pairs], label)}'
    by_margin = _by_margin(analysis, label, PROCEDURE)
    if cross_validated(analysis):
        return [first, *by_margin]
    other = [(p, verdict[p.networks]) for p in pairs if verdict[p.networks] != verdict[p.procedure]]
    if not other:
        return [first, 'These trained models give the same verdict' + ('s.' if len(pairs) > 1 else '.'), *by_margin]
    rest = '' if len(other) == len(pairs) else ' The other verdicts are the same.'
    return [first, f'{SAID_OF[NETWORKS]}: {_sentence(other, label)}{rest}', *by_margin]


def _by_margin(analysis: dict[str, Any], label: Callable[[str], str], scope: Scope) -> list[str]:
    """A sentence for each endpoint with a margin where the primary one has none, on the verdicts of a scope."""
    contrasts, sentences = analysis['contrasts'], []
    for endpoint in tested(analysis):
        pairs = answered(analysis, endpoint)
        said_of = {pair: contrasts[pair.procedure if scope == PROCEDURE else pair.networks] for pair in pairs}
        margin = said_of[pairs[0]]['margin'] if pairs else None
        if margin is None:
            continue
        if endpoint == primary(analysis):
            return []
        look = form(analysis, endpoint)
        found = [(pair, (one['verdict'], reach(one, 'the margin'))) for pair, one in said_of.items()]
        size = f'{written(margin * look.factor)} {look.difference}'.rstrip()
        sentences.append(f'By {look.head}, with the declared margin of {size}, {SAID_WITHIN[scope]}: '
                         f'{_sentence(found, label)}')
    return sentences


def weak_source(analysis: dict[str, Any]) -> str | None:
    """What these results can't show since their source knows nothing; None where it does, or was not judged.

    Where methods have a source of their own, that of the proposed one counts, or, without one, of the first methods of
    the planned pairs: none of them may know anything.
    """
    source = analysis['source'] or {}
    own, asked = source.get('methods', {}), [analysis['proposed']]
    if asked == [None]:
        asked = [*dict.fromkeys(a for a, _ in planned_pairs(analysis))] or [None]
    judged = [own.get(name, source).get('judged') or {} for name in asked]
    if not all('trained' in one for one in judged):
        return None
    found = [shortcoming(one) for one in judged]
    return found[0] if all(found) else None


def _sentence(found: Sequence[tuple[Pair, Said]], label: Callable[[str], str]) -> str:
    """'A is better than X and Y; worse than Z; whether it is better or worse than U is not settled.'"""
    if len({pair.a for pair, _ in found}) > 1:
        one_reference = len({pair.b for pair, _ in found}) == 1
        return _against(found, label) if one_reference else _by_pair(found, label)
    subject, groups = label(found[0][0].a), _groups(found, lambda pair: label(pair.b))
    parts = [VERDICTS[verdict].clause.format(listed(names)) + rest for (verdict, rest), names in groups.items()
             if VERDICTS[verdict].clause]
    clauses = [f'{subject} is {"; ".join(parts)}'] if parts else []
    name = 'it' if parts else subject
    if open_with := groups.get((INCONCLUSIVE, '')):
        clauses.append(f'whether {name} is better or worse than {listed(open_with)} is not settled')
    if lost := groups.get((NOT_ESTIMABLE, '')):
        clauses.append(f"{name} can't be compared with {listed(lost)}")
    return '; '.join(clauses) + '.'


def _against(found: Sequence[tuple[Pair, Said]], label: Callable[[str], str]) -> str:
    """'compared with FT, A and B are better; C is worse; for D it is not settled.'"""
    clauses = []
    for (verdict, rest), names in _groups(found, lambda pair: label(pair.a)).items():
        if clause := VERDICTS[verdict].clause:
            what = ' '.join(clause.replace('than {}', '').replace('to {}', '').split())
            clauses.append(f'{listed(names)} {"is" if len(names) == 1 else "are"} {what}{rest}')
        else:
            clauses.append(f'for {listed(names)} it is not settled' if verdict == INCONCLUSIVE else
                           f"{listed(names)} can't be judged")
    return f'compared with {label(found[0][0].b)}, ' + '; '.join(clauses) + '.'


def _by_pair(found: Sequence[tuple[Pair, Said]], label: Callable[[str], str]) -> str:
    """'A is better than B; C is worse than D; not settled are E against F; G against H.'"""
    clauses = []
    for (verdict, rest), pairs in _groups(found, lambda pair: pair).items():
        if clause := VERDICTS[verdict].clause:
            for a in dict.fromkeys(pair.a for pair in pairs):
                others = listed([label(pair.b) for pair in pairs if pair.a == a])
                clauses.append(f'{label(a)} is {clause.format(others)}{rest}')
        else:
            what = f'not {"settled" if verdict == INCONCLUSIVE else "estimable"} {"is" if len(pairs) == 1 else "are"}'
            named = [f'{label(pair.a)} against {label(pair.b)}' for pair in pairs]
            if len(named) > NAMED:
                named = [*named[:NAMED - 1], f'{len(named) - NAMED + 1} other pairs']
            clauses.append(f'{what} {"; ".join(named)}')
    return '; '.join(clauses) + '.'


def _groups(found: Sequence[tuple[Pair, Said]], name: Callable[[Pair], Name]) -> dict[Said, list[Name]]:
    """What is said -> of whom, in the order in which a sentence names verdicts, the plain ones first."""
    groups: dict[Said, list[Name]] = {}
    for pair, said in found:
        groups.setdefault(said, []).append(name(pair))
    order = [*VERDICTS]
    return dict(sorted(groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])))


def listed(names: Sequence[str]) -> str:
    """'A', 'A and B', 'A, B and C'; beyond :data:`NAMED` the others are counted."""
    names = [*names]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f'{len(names) - NAMED + 1} others']
    return names[0] if len(names) == 1 else f'{", ".join(names[:-1])} and {names[-1]}'
