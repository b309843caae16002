"""Which contrasts were planned, which is the main one, and in which scope it is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from benchmark.statistics.terms import CONDITION as OTHER_CONDITION
from benchmark.statistics.terms import NETWORKS, ONE_UNIT, PLANNED, PROCEDURE, SCOPES, Scope

Pair = tuple[str, str]
Key = TypeVar('Key', bound=Hashable)
#: The families that have the planned pairs, under whatever condition and in whatever unit.
OF_PAIRS = (PLANNED, OTHER_CONDITION, ONE_UNIT)


def planned(analysis: dict[str, Any], endpoint: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """The planned contrasts with their places in ``contrasts``, of an endpoint or of all, in the order of the plan."""
    for place, one in enumerate(analysis['contrasts']):
        if one['family'] == PLANNED and endpoint in (None, one['endpoint']):
            yield place, one


def cross_validated(analysis: dict[str, Any]) -> bool:
    """Whether the results are those of a cross-validation, in which nothing is said of the trained networks."""
    return analysis.get('folds') is not None


def shown_scopes(analysis: dict[str, Any]) -> tuple[Scope, ...]:
    """The scopes that tables and figures show."""
    return (PROCEDURE,) if cross_validated(analysis) else SCOPES


def by_scope(contrasts: Iterable[tuple[int, dict[str, Any]]],
             key: Callable[[dict[str, Any]], Key]) -> dict[Key, dict[Scope, int]]:
    """The places of contrasts by what they compare, then by scope.

    Args:
        contrasts: With their places.
        key: What a contrast compares.
    """
    found: dict[Key, dict[Scope, int]] = {}
    for place, one in contrasts:
        found.setdefault(key(one), {})[one['scope']] = place
    return found


def pair_of(one: dict[str, Any]) -> Pair:
    """The methods of a contrast, a minus b."""
    return one['a'], one['b']


def planned_pairs(analysis: dict[str, Any]) -> list[Pair]:
    """The planned pairs, in the order of the plan."""
    return [*dict.fromkeys(pair_of(one) for _, one in planned(analysis))]


def main_pair(analysis: dict[str, Any]) -> Pair | None:
    """The proposed method against the reference, else the first planned contrast; None where none was planned."""
    pairs, wanted = planned_pairs(analysis), (analysis['proposed'], analysis['reference'])
    return wanted if wanted in pairs else pairs[0] if pairs else None


def scope_of(analysis: dict[str, Any], pair: Pair) -> Scope:
    """The scope that a figure with one scope shows: networks where a method has a single seed."""
    seeds = min(analysis['methods'][name]['n_seeds'] for name in pair)
    return PROCEDURE if seeds > 1 or cross_validated(analysis) else NETWORKS


def other_of(analysis: dict[str, Any], pair: Sequence[str]) -> str:
    """The method whose colour and marker a contrast takes: the one that changes from contrast to contrast."""
    return pair[1] if pair[0] == analysis['proposed'] else pair[0]
