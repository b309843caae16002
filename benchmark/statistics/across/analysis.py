"""Several data sets to the content of ``datasets.json``, and each one's to that of its ``analysis.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..analysis import analyze
from ..errors import TableError
from ..layout import some
from ..output import plain
from ..scores import Scores
from ..suite import Suite
from ..terms import PLANNED
from . import VERSION
from .contrasts import DIFFERENCE, RATIO, WAYS, DataSet, Rules, combined_contrasts, kind_of
from .means import over_data_sets
from .ranking import consensus
from .suites import programs_of, restricted
from .tables import check_copies, common_methods, folders, lacking
from .wording import answer, statement

#: Means of the reference that differ by more make a difference in their unit mean different things.
UNLIKE = 2.0


@dataclass(frozen=True)
class Asked:
    """What is asked of several data sets beside what is asked of each.

    Attributes:
        way: ``difference`` or ``ratio``.
        margin: Of ratios: endpoint -> smallest relative difference that matters, 0.05 for 5 %.
        common: Whether methods that a data set lacks are left out; else they are refused.
    """

    way: str = DIFFERENCE
    margin: Mapping[str, float] | None = None
    common: bool = False


def analyze_data_sets(suites: Mapping[str, Suite], asked: Asked | None = None, kept: dict[str, Scores] | None = None,
                      **choices: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Analyse several data sets.

    Args:
        suites: Data set -> its table and plan, at least two.
        asked: What is asked of all together.
        kept: Gets each data set's scores of the main condition.
        choices: What :func:`..analysis.analyze` takes, of each.

    Returns:
        The content of ``datasets.json`` (see ``across/schema.json``), and folder -> content of ``analysis.json``.

    Raises:
        TableError: What a data set holds, or all together, can't be analysed; names the data set.
    """
    asked = asked or Asked()
    if asked.way not in WAYS:
        raise TableError(f'--combine: {asked.way!r} is not one of {", ".join(WAYS)}')
    check_copies({name: suite.table for name, suite in suites.items()})
    notes: list[str] = []
    have = {name: [*map(str, suite.table['method'].unique())] for name, suite in suites.items()}
    methods = common_methods(have, asked.common, notes)
    data_sets = {name: _analysed(name, suite, methods, choices) for name, suite in suites.items()}
    if kept is not None:
        kept.update({name: one.scores for name, one in data_sets.items()})
    first = next(iter(data_sets.values())).analysis
    _check_alike(data_sets)
    told = {name: {'notes': one.analysis['notes'], 'alerts': [alert['text'] for alert in one.analysis['alerts']]}
            for name, one in data_sets.items()}
    shared = {kind: [text for text in several if all(text in own[kind] for own in told.values())]
              for kind, several in next(iter(told.values())).items()}
    endpoints = [name for name in first['tested'] if all(name in one.scores.values for one in data_sets.values())]
    pairs = [*dict.fromkeys((one['a'], one['b']) for one in first['contrasts'] if one['family'] == PLANNED)]
    rules = _rules(asked, first, endpoints)
    places = folders(data_sets)
    found = combined_contrasts(data_sets, endpoints, pairs, rules)
    notes += _unlike(data_sets, pairs, rules) + shared['notes']
    order = first['order']['methods']
    ranking = consensus(data_sets, order, rules.lower[endpoints[0]])
    content = {
        'schema_version': VERSION, 'title': f'{len(data_sets)} data sets: comparison of methods',
        'data_sets': [{'name': name, 'folder': places[name], 'images': len(one.scores.images),
                       'units': one.analysis['counts']['units'], 'unit': one.scores.unit,
                       'seeds': sorted({len(seeds) for seeds in one.scores.seeds.values()}),
                       **{kind: [text for text in told[name][kind] if text not in shared[kind]] for kind in shared}}
                      for name, one in data_sets.items()],
        'kind': kind_of(len(data_sets)), 'combined': asked.way, 'alpha': first['alpha'], 'margin': dict(rules.margin),
        'proposed': first['proposed'], 'reference': first['reference'], 'unit': first['unit'],
        'threshold': first['threshold'], 'scores': first['scores'], 'tested': endpoints,
        'draws': first['draws'], 'seed': first['seed'], 'family': first['tests'].get('family', 'endpoint'),
        'endpoints': {name: first['endpoints'][name] | {'decimals': max(
            one.analysis['endpoints'][name]['decimals'] for one in data_sets.values())} for name in endpoints},
        'order': {'methods': order},
        'methods': {name: {'label': block['label']} for name, block in first['methods'].items()},
        'left_out': lacking(have), 'contrasts': found,
        'ranking': ranking,
        'means': over_data_sets(data_sets, order, asked.way,
                                first['reference'] or first['proposed'] or ranking['order'][0]),
        'program': programs_of([one.analysis for one in data_sets.values()]), 'notes': notes,
        'alerts': shared['alerts']}
    content['statements'] = [{'endpoint': one['endpoint'], 'a': one['a'], 'b': one['b'],
                              'headline': answer(one, content), 'text': statement(one, content)} for one in found]
    return plain(content), {places[name]: {**one.analysis, 'suite': name, 'title': f'{name}: comparison of methods'}
                            for name, one in data_sets.items()}


def _analysed(name: str, suite: Suite, methods: Sequence[str], choices: Mapping[str, Any]) -> DataSet:
    """One data set with its own analysis."""
    suite = restricted(suite, methods)
    kept: list[Scores] = []
    with _of(name):
        content = analyze(suite.table, suite.plan, suite.records, ensembles=suite.ensembles, kept=kept, **choices)
        if content.get('sequential'):
            raise TableError('has looks, over which no combined contrast holds its level; leave the column look and '
                             '--sequential out')
        if lost := [method for method in methods if method not in kept[0].seeds]:
            raise TableError(f'{some(lost)}: no results under the main condition, {kept[0].name}')
    return DataSet(kept[0], content)


@contextmanager
def _of(name: str) -> Iterator[None]:
    """Errors begin with the data set's name."""
    try:
        yield
    except TableError as error:
        raise TableError(f'data set {name}: {error}') from None


def _check_alike(data_sets: Mapping[str, DataSet]) -> None:
    """Checks that the data sets have one main condition.

    Raises:
        TableError: They have several.
    """
    conditions = {name: one.analysis['main_condition'] for name, one in data_sets.items()}
    first, *others = conditions.items()
    for name, condition in others:
        if condition != first[1]:
            raise TableError(f'the main condition is {first[1]} in data set {first[0]} and {condition} in {name}; name '
                             'one that all have, with --condition')


def _rules(asked: Asked, analysis: Mapping[str, Any], endpoints: Sequence[str]) -> Rules:
    margin = analysis['margin'] if asked.way == DIFFERENCE else asked.margin or {}
    if asked.margin and asked.way == DIFFERENCE:
        raise TableError('--relative-margin: is for relative differences; give --combine ratio too')
    for name, value in (asked.margin or {}).items():
        if name not in endpoints:
            raise TableError(f'--relative-margin: no endpoint {name}; there are {some(endpoints, 9)}')
        if not 0 < value < 1:
            raise TableError(f'--relative-margin: {name}={value:g} is no share between 0 and 1 (0.05 is 5 per cent)')
    return Rules(analysis['alpha'], {name: value for name, value in margin.items() if name in endpoints},
                 {name: analysis['endpoints'][name]['better'] == 'lower' for name in endpoints}, asked.way,
                 analysis['tests'].get('family') == 'all endpoints', analysis['seed'])


def _unlike(data_sets: Mapping[str, DataSet], pairs: Sequence[tuple[str, str]], rules: Rules) -> list[str]:
    """Where a difference in the unit of the endpoint means different things in the data sets."""
    if rules.way == RATIO:
        return []
    for _, b in pairs:
        means = {name: float(one.scores.block(one.scores.primary, b).values.mean()) for name, one in data_sets.items()}
        low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        if means[low] > 0 and means[high] > UNLIKE * means[low]:
            endpoint = next(iter(rules.lower))
            return [f'The mean {endpoint} of {b} is {means[low]:.3g} in {low} and {means[high]:.3g} in {high}: a '
                    'difference of one size means more in the one than in the other. --combine ratio combines relative '
                    'differences, which have no unit.']
    return []
