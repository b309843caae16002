"""The planned pairs, and those whose methods differ in several things; it needs neither pandas nor scipy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .options import Options, read_options

#: Settings that say which network a method's encoder is.
NETWORK = ('network', 'width')
#: Pairs that a line names.
SHOWN = 4


def planned_pairs(methods: Sequence[str], options: Options) -> list[tuple[str, str]]:
    """The planned family: the declared pairs, else the proposed method with each other one, else each other one with
    the reference.

    Args:
        methods: Methods with results.
        options: Names the pairs, or the proposed and the reference method.

    Returns:
        Pairs (a, b): the contrast is mean(a) - mean(b). None where neither is named.
    """
    proposed, reference = options.proposed, options.reference
    if options.pairs is not None:
        return [pair for pair in options.pairs if set(pair) <= set(methods)]
    if proposed is not None:
        return [(proposed, method) for method in methods if method != proposed] if proposed in methods else []
    if reference is not None and reference in methods:
        return [(method, reference) for method in methods if method != reference]
    return []


def differ_in(plan: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """In which of source and network the two of a planned pair differ, where they differ in more than one thing.

    Things are the method (the description of its config), the network, and the source where both take one.

    Args:
        plan: The suite's plan, or an empty dict.
        pairs: Planned pairs.

    Returns:
        Pair -> ``network``, ``source`` or ``source and network``; nothing of pairs of which the plan says no more.
    """
    about = {str(one['name']): one for one in plan.get('methods', [])}
    sources = {str(run['method']): run.get('source_hash') for run in plan.get('runs', [])}
    found = {}
    for a, b in pairs:
        if a not in about or b not in about:
            continue
        both = dict(source=(sources.get(a), sources.get(b)),
                    network=(_network(plan, about[a]), _network(plan, about[b])))
        words = [word for word, (one, other) in both.items() if one and other and one != other]
        if words and len(words) + (about[a].get('description') != about[b].get('description')) > 1:
            found[a, b] = ' and '.join(words)
    return found


def _network(plan: Mapping[str, Any], method: Mapping[str, Any]) -> list[Any] | None:
    """The network of a method under the main condition; None where the plan does not say."""
    settings, label = plan.get('settings') or {}, str(method.get('label') or method['name'])
    main = next((str(one.get('label') or one['name']) for one in plan.get('conditions', [])), '')
    places = [settings, *(settings.get(place) for place in (main, label, f'{label}, {main}'))]
    values = {key: value for one in places if isinstance(one, dict) for key, value in one.items() if key in NETWORK}
    return [values.get(key) for key in NETWORK] if values.get('network') else None


def remarks(plan: Mapping[str, Any]) -> list[str]:
    """A line for each way in which the two of planned pairs differ in several things."""
    methods = {str(one['name']): str(one.get('label') or one['name']) for one in plan.get('methods', [])}
    pairs = planned_pairs([*methods], read_options(plan.get('analysis', {})))
    kinds: dict[str, list[str]] = {}
    for (a, b), words in differ_in(plan, pairs).items():
        kinds.setdefault(words, []).append(f'{methods[a]} − {methods[b]}')
    return [f'planned pairs that differ in {words}, so that they can\'t tell which of what sets the two apart makes '
            f'the difference: {", ".join(own[:SHOWN])}' + (f' and {len(own) - SHOWN} more' if len(own) > SHOWN else '')
            for words, own in kinds.items()]
