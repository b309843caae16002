"""Combined contrasts in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from typing import Any

from ..endpoints import rounded
from ..measures import MOST_DECIMALS
from ..terms import (
    BETTER,
    BEYOND,
    EQUIVALENT,
    INCONCLUSIVE,
    NETWORKS,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    PROCEDURE,
    SAID_WITHIN,
    VERDICTS,
    WITHIN,
    WORSE,
)
from ..wording import Clauses, p_value
from .contrasts import RANDOM, RATIO

#: Data sets that a sentence names; more are counted.
NAMED = 4


def decimals_of(content: Mapping[str, Any], endpoint: str) -> int:
    """With how many decimals all differences of an endpoint are written, whatever their size.

    They are the endpoint's (of ratios one, of per cent), and as many more as give the largest of them, and the margin,
    two significant digits, and as keep an end of a combined interval beside zero from being written as zero.

    Args:
        content: That of datasets.json, as far as its contrasts.
        endpoint: Its name.
    """
    about, ratio = content['endpoints'][endpoint], content['combined'] == RATIO
    digits, factor = (1, 100) if ratio else (about['decimals'], about['factor'])
    cells = [cell for one in content['contrasts'] if one['endpoint'] == endpoint
             for cell in (one, *one['data_sets'].values())]
    sizes = [abs(cell[key]) for cell in cells for key in ('estimate', 'ci_low', 'ci_high')
             if cell[key] is not None and math.isfinite(cell[key])]
    for size in [max(sizes, default=0.0), content['margin'].get(endpoint, 0.0)]:
        while size > 0 and digits < MOST_DECIMALS and size * factor < 0.5 * 10 ** (1 - digits):
            digits += 1
    for one in content['contrasts']:
        ends = [one['ci_low'], one['ci_high']]
        if one['endpoint'] == endpoint and all(end is not None and math.isfinite(end) for end in ends):
            near = min(map(abs, ends)) * factor if min(ends) > 0 or max(ends) < 0 else 0.0
            while near > 0 and digits < MOST_DECIMALS and near < 0.5 * 10 ** -digits:
                digits += 1
    return digits


class _Words(Clauses):
    """Numbers and names of one combined contrast.

    Args:
        one: The contrast, as datasets.json has it.
        content: What else it has.
    """

    lost = 'can\'t be judged together'

    def __init__(self, one: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        about = content['endpoints'][one['endpoint']]
        self.ratio = content['combined'] == RATIO
        self.factor, self.fixed = 100 if self.ratio else about['factor'], True
        self.decimals = decimals_of(content, one['endpoint'])
        self.unit = '%' if self.ratio else about['difference_unit'] or ''
        self.what = about['label']
        self.a, self.b = (content['methods'][one[side]]['label'] for side in ('a', 'b'))
        self.count, self.random = len(content['data_sets']), content['kind'] == RANDOM
        self.alpha = content['alpha']
        self.level = f'{100 * (1 - self.alpha):g} %'


def answer(one: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """One sentence: which data sets, and where they are fixed which models, it is about; the verdict; the margin."""
    words = _Words(one, content)
    where = f'On data sets like these {words.count}' if words.random else f'On these {words.count} data sets'
    if one['scope'] == NETWORKS and not words.random:
        where += f' and {SAID_WITHIN[NETWORKS]}'
    settled = one['verdict'] not in (INCONCLUSIVE, NOT_ESTIMABLE)
    other = one['verdict'] in (*BETTER, *WORSE) and words.random and one['prediction_low'] < 0 < one['prediction_high']
    return (f'{where}, {"on average " if settled else ""}{words.answer(one)}'
            f'{"; in a new one it may be the other way round" if other else ""}.')


def statement(one: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """What was found, how sure one can be, how much the data sets differ, and what a new one would show."""
    words, counts = _Words(one, content), one['counts']
    if one['verdict'] == NOT_ESTIMABLE:
        return (f'{words.a} against {words.b} by {words.what}: no combined contrast, as there is none in '
                f'{one["reason"]}.')
    alone = 'found by the data set alone'
    found = (f' ({counts["found_better"] or "none"} of these {"was" if counts["found_better"] < 2 else "were"} {alone})'
             if counts['better'] else '')
    lost = (f' and the worse one in {counts["worse"]} ({counts["found_worse"] or "none"} {"found" if found else alone})'
            if counts['worse'] else '')
    text = [
        f'{words.a} against {words.b}: over {words.count} data sets the {words.what} of {words.a} is '
        f'{words.size(one["estimate"])} {"lower" if one["estimate"] < 0 else "higher"} on average ({words.level} '
        f'interval {words.interval(one["ci_low"], one["ci_high"])}; p {p_value(one["p"])}, adjusted '
        f'{p_value(one["p_adjusted"])}).',
        '' if one['margin'] is None else _sentence(words.reaches(one)), _hangs(one),
        f'{words.a} has the better mean in {counts["better"]} of {words.count} data sets{found}{lost}.',
        _spread(one, words)]
    if one['prediction_low'] is not None:
        text.append(f'In a new data set of the same kind the true difference is expected '
                    f'{words.interval(one["prediction_low"], one["prediction_high"])} ({words.level} prediction '
                    'interval).')
    else:
        text.append(f'{words.count} data sets are too few to speak of others: this is about these alone.')
    if one['scope'] != PROCEDURE:
        runs = {count for cell in one['data_sets'].values() for count in cell['n_seeds']}
        text.append(('Each method has a single run in each data set, ' if runs == {1} else
                     'A method has a single run in a data set, ')
                    + ('so that what training again changes is part of how much the data sets differ.' if words.random
                       else 'so that this is about these trained models.'))
    return ' '.join(part for part in text if part)


def _sentence(clause: str) -> str:
    return f'{clause[0].upper()}{clause[1:]}.'


def _hangs(one: Mapping[str, Any]) -> str:
    """On which single data sets what is found hangs; empty where nothing is found, or on none."""
    rests, said = one['without'] or {}, []
    lost = [name for name, rest in rests.items() if not _kept(one['verdict'], rest)]
    short = [name for name, rest in rests.items() if name not in lost and one['relevance'] == BEYOND
             and rest['relevance'] != BEYOND]
    for names, what in ((lost, 'would not be found'), (short, 'would be found, but not by more than the margin')):
        if names:
            told = 'any one of them' if len(names) == len(rests) else (
                f'any one of {len(names)} of them' if len(names) > NAMED else ' or without '.join(names))
            said.append(f'Without {told} it {what}.')
    return ' '.join(said)


def _kept(verdict: str, rest: Mapping[str, Any]) -> bool:
    """Whether what is found is found without a data set too; also where nothing is."""
    if verdict == EQUIVALENT:
        return bool(rest['relevance'] == WITHIN)
    same = {NON_INFERIOR: (NON_INFERIOR, EQUIVALENT, *BETTER)}.get(verdict) or next(
        (group for group in (BETTER, WORSE) if verdict in group), VERDICTS)
    return rest['verdict'] in same


def _spread(one: Mapping[str, Any], words: _Words) -> str:
    """How much the data sets differ; no number above 0 is written as 0."""
    spread, words = one['heterogeneity'], copy(words)
    words.fixed = False
    degrees = f'{spread["df"]} degree{"s" if spread["df"] != 1 else ""} of freedom'
    differ = f'Q = {spread["q"]:.1f} with {degrees}, p {p_value(spread["p"])}; I² {100 * spread["i2"]:.0f} %'
    if words.ratio:
        return f'The data sets\' differences vary: {differ}; tau of the logarithms {rounded(spread["tau"], 3)}.'
    if spread['tau_high'] is None or math.isnan(spread['tau_high']):
        return (f'The data sets\' differences are more alike than chance makes them ({differ}), so that how much their '
                'true ones vary (tau) can\'t be estimated.')
    if spread['tau'] == 0:
        return (f'The data sets\' differences vary no more than chance makes them ({differ}); a standard deviation of '
                f'their true ones (tau) of up to {words.size(spread["tau_high"])} is not ruled out.')
    return (f'The data sets\' true differences vary with a standard deviation (tau) of {words.size(spread["tau"])} '
            f'({words.number(spread["tau_low"])} to {words.number(spread["tau_high"])}; {differ}).')
