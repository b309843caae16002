"""Contrasts in plain words: what was compared, in which scope, how large, how sure, does it matter, what would help.

Never 'no difference': what is not shown is undecided, and what is shown to be small is equivalent within a margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .endpoints import p_text, rounded
from .measures import ERRORS, Measures
from .terms import (
    BEYOND,
    EQUIVALENT,
    FUTILE,
    INCONCLUSIVE,
    INFERIOR,
    INFERIOR_RELEVANT,
    NETWORKS,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    PROCEDURE,
    SAID_OF,
    SAID_WITHIN,
    SUPERIOR,
    SUPERIOR_RELEVANT,
    UNCLEAR,
    WITHIN,
)

#: What following the planner costs: the highest rate in simulated suites that add the seeds it names
#: (docs/validation.md, Looking again).
LOOKING_AGAIN = ('Optional stopping has a price: following such advice declares equal procedures different in up to '
                 '12 % of simulated suites instead of 5 %, so declare the number of seeds beforehand and run a new '
                 'suite.')


def statements(planned: Sequence[Mapping[str, Any]], effects: Sequence[Mapping[str, Any]],
               plans: Sequence[Mapping[str, Any]], labels: Mapping[str, str], unit: str, unit_of: str,
               alpha: float, differ: Mapping[tuple[str, str], str] | None = None,
               folds: int | None = None, measures: Measures = ERRORS) -> list[dict[str, Any]]:
    """One headline and one paragraph per planned contrast and endpoint.

    Args:
        planned: The planned contrasts, both scopes.
        effects: Their effect sizes.
        plans: Their planning.
        labels: Method -> its name for readers.
        unit: Of the errors.
        unit_of: ``image`` or ``subject``.
        alpha: Level.
        differ: Pair -> in which of source and network its methods differ, see :func:`.pairs.differ_in`.
        folds: Of a cross-validation, in which nothing is said of the trained networks.
        measures: The endpoints.
    """
    by_scope = {(one['endpoint'], one['a'], one['b'], one['scope']): one for one in planned}
    plan_of = {(one['endpoint'], one['a'], one['b']): one for one in plans}
    found = []
    for effect in effects:
        key = (effect['endpoint'], effect['a'], effect['b'])
        procedure, networks = (by_scope[key + (scope,)] for scope in (PROCEDURE, NETWORKS))
        words = _Words(*key, labels, unit, unit_of, alpha, folds, measures)
        parts = [words.procedure(procedure, effect),
                 '' if folds else words.networks(networks, 'sequential' in procedure),
                 words.margin(procedure, networks), words.settle(procedure, plan_of.get(key)),
                 words.differ((differ or {}).get(key[1:]))]
        found.append({'endpoint': key[0], 'a': key[1], 'b': key[2], 'headline': words.headline(procedure, networks),
                      'text': ' '.join(part for part in parts if part)})
    return found


class Scale:
    """Differences of an endpoint in words.

    Args:
        endpoint: Its name.
        unit: Of the errors.
        measures: The endpoints.
    """

    def __init__(self, endpoint: str, unit: str, measures: Measures = ERRORS) -> None:
        self.endpoint, self.measures, about = endpoint, measures, measures[endpoint]
        self.factor, self.decimals, self.fixed = about.factor, about.decimals, False
        self.unit = unit if about.difference is None else about.difference

    def size(self, value: float) -> str:
        """A number above 0 with its unit."""
        return f'{self.number(abs(value))} {self.unit}'.rstrip()

    def number(self, value: float) -> str:
        """Decimals of the endpoint, more where the number would else vanish and they are not fixed."""
        return rounded(value, self.decimals, self.factor, self.fixed)

    def signed(self, value: float) -> str:
        """'0.012 lower'."""
        return f'{self.number(abs(value))} {"lower" if value < 0 else "higher"}'

    def interval(self, low: float, high: float) -> str:
        """'from 0.034 lower to 0.010 higher'."""
        if (low < 0) == (high < 0):
            near, far = sorted((abs(low), abs(high)))
            return f'from {self.number(near)} to {self.number(far)} {"lower" if low < 0 else "higher"}'
        return f'from {self.signed(low)} to {self.signed(high)}'


def reach(one: Mapping[str, Any], margin: str) -> str:
    """What a verdict on which method is better leaves to say of a declared margin; the end of a clause, or empty.

    Args:
        one: A contrast, in one data set or over several.
        margin: What the margin is called.
    """
    if one['verdict'] not in (SUPERIOR, INFERIOR) or one['margin'] is None:
        return ''
    return {UNCLEAR: f', but whether by more than {margin} is open', WITHIN: f', but by less than {margin}'}.get(
        one['relevance'], '')


class Clauses(Scale):
    """Clauses on a contrast of two methods, in one data set or over several.

    Attributes:
        a: The first method's name for readers.
        b: The second one's.
        alpha: Level.
        lost: What is said of two methods without an estimable contrast.
    """

    a: str
    b: str
    alpha: float
    lost = 'can\'t be judged'

    def conclusion(self, one: Mapping[str, Any]) -> str:
        """The verdict as a clause."""
        margin = None if one['margin'] is None else f'the margin of {self.size(one["margin"])}'
        return {
            SUPERIOR_RELEVANT: f'{self.a} is better than {self.b}, by more than {margin}',
            SUPERIOR: f'{self.a} is better than {self.b}',
            INFERIOR_RELEVANT: f'{self.a} is worse than {self.b}, by more than {margin}',
            INFERIOR: f'{self.a} is worse than {self.b}',
            EQUIVALENT: f'{self.a} and {self.b} are equivalent within {margin}',
            NON_INFERIOR: f'{self.a} is not worse than {self.b} by more than {margin}',
            INCONCLUSIVE: f'it is not settled which of {self.a} and {self.b} is better',
            NOT_ESTIMABLE: f'{self.a} and {self.b} {self.lost} ({one["reason"]})',
        }[one['verdict']]

    def answer(self, one: Mapping[str, Any]) -> str:
        """The verdict with what it leaves to say of a declared margin, as a clause."""
        return self.conclusion(one) + ('' if one['margin'] is None else
                                       reach(one, f'the margin of {self.size(one["margin"])}'))

    def reaches(self, one: Mapping[str, Any]) -> str:
        """Whether the difference reaches the declared margin, as a clause."""
        margin = self.size(one['margin'])
        repeated = 'repeated ' if one.get('sequential') else ''
        return {
            BEYOND: f'the whole {repeated}interval of this contrast lies beyond the declared margin of {margin}: it '
                    'matters',
            WITHIN: f'the {repeated}{100 * (1 - 2 * self.alpha):g} % interval, '
                    f'{self.interval(one["ci_low_equivalence"], one["ci_high_equivalence"])}, lies within the '
                    f'declared margin of {margin}: whatever its sign, the difference is too small to matter',
            UNCLEAR: f'it is open whether the difference reaches the declared margin of {margin}',
        }[one['relevance']]


class _Words(Clauses):
    """Sentences on one contrast."""

    def __init__(self, endpoint: str, a: str, b: str, labels: Mapping[str, str], unit: str, unit_of: str,
                 alpha: float, folds: int | None, measures: Measures) -> None:
        super().__init__(endpoint, unit, measures)
        self.a, self.b = labels[a], labels[b]
        self.folds = folds
        self.unit_of, self.alpha = unit_of, alpha
        self.level = f'{100 * (1 - alpha):g} %'

    def differ(self, what: str | None) -> str:
        """That the methods differ in several things."""
        return '' if what is None else (f'{self.a} and {self.b} differ in {what}, so this contrast can\'t tell which '
                                        'of what sets them apart makes the difference.')

    def headline(self, procedure: Mapping[str, Any], networks: Mapping[str, Any]) -> str:
        """One sentence with both verdicts."""
        if self.folds:
            return f'{SAID_OF[PROCEDURE]}: {self.answer(procedure)}.'
        if min(procedure['n_seeds']) < 2 and procedure['verdict'] == NOT_ESTIMABLE:
            return (f'A single run cannot tell whether {self.a} or {self.b} is the better training procedure. '
                    f'{SAID_OF[NETWORKS]}: {self.answer(networks)}.')
        if self.answer(procedure) == self.answer(networks):
            both = f'{SAID_OF[PROCEDURE]} and {SAID_WITHIN[NETWORKS]}'
            return f'{both}: {self.answer(procedure)}.'
        return (f'{SAID_OF[PROCEDURE]}: {self.answer(procedure)}. {SAID_OF[NETWORKS]}: '
                f'{self.answer(networks)}.')

    def procedure(self, one: Mapping[str, Any], effect: Mapping[str, Any]) -> str:
        """What was compared, how large the difference is and how sure one can be, over random seeds and images."""
        many = self.many(one['n_seeds'])
        about = self.measures[self.endpoint]
        what = about.noun or about.label
        looks = one.get('sequential')
        percent = looks['percent'] if looks else effect['percent']
        known = percent is not None and percent == percent and not self.measures.share(self.endpoint)
        share = f' ({rounded(abs(percent), 1)} %)' if known else ''
        start = (f'{self.a} against {self.b}, {many}, {one["n_units"]} {self.unit_of}s: the {what} of {self.a} is '
                 f'{self.size(one["estimate"])} {"lower" if one["estimate"] < 0 else "higher"}{share}.')
        if float(self.number(one['estimate'])) == 0:
            start = (f'{self.a} against {self.b}, {many}, {one["n_units"]} {self.unit_of}s: both have the same {what}.')
        if one['verdict'] == NOT_ESTIMABLE:
            text = f'{start} {SAID_OF[PROCEDURE]} they can\'t be judged: {one["reason"]}.'
            if one['bound'] is not None:
                text += (f' At most {rounded(one["bound"], 1, 100)} % of all {self.unit_of}s can differ ({self.level} '
                         'one-sided bound, for these networks).')
            return text
        repeated, over = ('repeated ', ' and over all looks') if looks else ('', '')
        then = f' at look {looks["look"]}' if looks else ''
        return (f'{start} {SAID_OF[PROCEDURE]} ({self.others()}) the {repeated}{self.level} '
                f'interval is {self.interval(one["ci_low"], one["ci_high"])}, p {p_value(one["p"])}{then}, and p '
                f'{p_value(one["p_adjusted"])} adjusted for the planned comparisons{over}: {self.conclusion(one)}. '
                f'Looked at alone and under a flat prior, claiming that {self.a} is better would be wrong with a '
                f'probability of {probability(one["p_false_claim"])}.{self.stopped(looks)}')

    def many(self, seeds: Sequence[int]) -> str:
        """How often both methods were trained."""
        kind = 'repetition' if self.folds else 'seed'
        of = f' of {self.folds} folds' if self.folds else ''
        if seeds[0] == seeds[1]:
            return f'{seeds[0]} {kind}{"s" if seeds[0] > 1 else ""}{of} each'
        return f'{seeds[0]} and {seeds[1]} {kind}s{of}'

    def others(self) -> str:
        """What is random when procedures are judged."""
        return (f'other data sets of this size, other {self.unit_of}s' if self.folds else
                f'other seeds, other {self.unit_of}s')

    def stopped(self, looks: Mapping[str, Any] | None) -> str:
        """What is left of a difference at which one has stopped early."""
        if not looks or looks['decision'] not in (SUPERIOR, INFERIOR) or looks['look'] < 2 or (
                looks['median_unbiased'] is None):
            return ''
        return (' Who stops when a difference is large overstates it: the median-unbiased estimate is '
                f'{self.signed(looks["median_unbiased"])} '
                f'({self.interval(looks["median_low"], looks["median_high"])}).')

    def goes_on(self, one: Mapping[str, Any]) -> str:
        """What would settle an open question in a suite that stops itself."""
        looks = one['sequential']
        if looks['decision'] != FUTILE:
            return '' if looks['chance'] is None else (
                f'With all planned seeds it would be settled with a chance of {probability(looks["chance"])}, as '
                'things stand.')
        text = (f'More seeds are not expected to settle it (chance {probability(looks["chance"])}): what is left is '
                f'mostly the {self.unit_of}s\' share, or too small a difference.')
        images = looks['images_needed']
        if images is None or images <= one['n_units']:
            return text
        seeds = looks['images_seeds'] or 0
        if seeds <= min(one['n_seeds']):
            return f'{text} Label {images - one["n_units"]} more test {self.unit_of}s instead ({images} in all).'
        return f'{text} It takes both: {seeds} seeds of each method and {images} test {self.unit_of}s in all.'

    def networks(self, one: Mapping[str, Any], looked: bool = False) -> str:
        """The same for these trained models.

        Args:
            one: The contrast.
            looked: Whether there are looks, which this scope does not count.
        """
        if one['verdict'] == NOT_ESTIMABLE:
            return f'{SAID_OF[NETWORKS]}: {one["reason"]}.'
        once = ', as if looked at once' if looked else ''
        return (f'{SAID_OF[NETWORKS]} (other {self.unit_of}s only{once}) the interval is '
                f'{self.interval(one["ci_low"], one["ci_high"])}, adjusted p {p_value(one["p_adjusted"])}: '
                f'{self.conclusion(one)}.')

    def margin(self, procedure: Mapping[str, Any], networks: Mapping[str, Any]) -> str:
        """Whether the difference matters."""
        one = networks if procedure['verdict'] == NOT_ESTIMABLE else procedure
        if one['verdict'] == NOT_ESTIMABLE:
            return ''
        if one['margin'] is None:
            return 'No margin was declared beforehand, so nothing is said about whether such a difference matters.'
        whose = SAID_OF[NETWORKS if one is networks else PROCEDURE]
        said = f'{whose} {self.reaches(one)}'
        if one is procedure and not self.folds and networks.get('relevance') not in (None, one['relevance']):
            said += '; ' + {BEYOND: 'that of these trained models lies beyond it', WITHIN: 'that of these trained '
                            'models lies within it', UNCLEAR: 'of these trained models it is open'}[
                                networks['relevance']]
        return f'{said}.'

    def settle(self, one: Mapping[str, Any], plan: Mapping[str, Any] | None) -> str:
        """What would settle an open question."""
        if one['verdict'] == NOT_ESTIMABLE:
            return ('Running both methods with at least five seeds would make the procedures comparable.'
                    if min(one['n_seeds']) < 2 and not self.folds else '')
        if one['verdict'] in (INCONCLUSIVE, NON_INFERIOR) and 'sequential' in one:
            return self.goes_on(one)
        if plan is None or one['verdict'] not in (INCONCLUSIVE, NON_INFERIOR) or plan['target'] == 0:
            return ''
        target = 'as large as the margin' if plan['target_is'] == 'margin' else 'as large as the one observed'
        start = f'To find a true difference {target} ({self.size(plan["target"])}) with 80 % power '
        seeds, images = plan['seeds_needed'], plan['images_needed']
        if self.folds:
            return self.settle_folds(start, plan)
        if seeds is not None and seeds <= plan['n_seeds']:
            if plan['target_is'] != 'margin':
                return ''
            return (f'These data find a true difference of {self.size(plan["detectable"])} with 80 % power: one '
                    f'{target} would probably have shown.')
        ways = []
        if seeds is not None:
            more = seeds - plan['n_seeds']
            many = 'seeds' if more > 1 else 'seed'
            ways.append(f'{more} more {many} per method with these {self.unit_of}s ({seeds} in all)')
        if images is not None:
            ways.append(f'{images} {self.unit_of}s with these numbers of seeds')
        if ways:
            text = f'{start}would take {", or ".join(ways)}.'
            if seeds is not None:
                text += f' {LOOKING_AGAIN}'
            if seeds is None:
                text += f' More seeds alone would not do: they can\'t go below {self.size(plan["floor_seeds"])}.'
            elif images is None:
                text += (f' More {self.unit_of}s alone would not do: they can\'t go below '
                         f'{self.size(plan["floor_images"])}.')
            return text
        return (f'{start}neither more seeds nor more {self.unit_of}s alone would do: with infinitely many seeds the '
                f'smallest difference found is {self.size(plan["floor_seeds"])}, with infinitely many {self.unit_of}s '
                f'{self.size(plan["floor_images"])}.')

    def settle_folds(self, start: str, plan: Mapping[str, Any]) -> str:
        """The same of a cross-validation."""
        seeds, images = plan['seeds_needed'], plan['images_needed']
        if images is not None and images <= plan['n_units']:
            return (f'These data find a true difference of {self.size(plan["detectable"])} with 80 % power.'
                    if plan['target_is'] == 'margin' else '')
        ways = []
        if seeds is not None and seeds > plan['n_seeds']:
            more = seeds - plan['n_seeds']
            ways.append(f'{more} more repetition{"s" if more > 1 else ""} ({seeds} in all)')
        if images is not None:
            ways.append(f'{images} {self.unit_of}s with as many repetitions, if the methods were trained on no more '
                        'images than now')
        text = f'{start}would take {", or ".join(ways)}.' if ways else ''
        if plan['n_seeds'] < 2:
            return f'{text} What more repetitions would do can\'t be told from one.'.strip()
        if seeds is None:
            text += f' More repetitions alone would not do: they can\'t go below {self.size(plan["floor_seeds"])}.'
        return text.strip()


def p_value(p: float) -> str:
    """'= 0.031', '< 0.001'."""
    text = p_text(p)
    return text if text[0] in '<>' else f'= {text}'


def probability(p: float) -> str:
    """'13 %', 'less than 0.1 %'."""
    if p < 0.001:
        return 'less than 0.1 %'
    if p > 0.999:
        return 'more than 99.9 %'
    return f'{100 * p:.{0 if 0.1 <= p <= 0.9 else 1}f} %'
