"""What the user declares before the data are looked at: the analysis plan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import TableError
from .measures import ERRORS, Measures
from .sequential.plan import SequentialPlan, read_sequential
from .terms import DESIGNS, NESTED, Design

THRESHOLD = 1.2
DRAWS = 10_000
#: Success thresholds where errors are in millimetres: those of the cephalometric challenges (Wang et al. 2016).
SUCCESS_MM = (2.0, 2.5, 3.0, 4.0)


@dataclass(frozen=True)
class Options:
    """The declared choices.

    Attributes:
        threshold: Failure threshold t, in the unit of the errors; None: scores have none unless it is declared.
        unit: Name of that unit.
        design: ``nested``: each method has its own randomness in each seed; ``paired``: seed s fixes the split or the
            initialisation for all methods.
        proposed: Method that is compared with each other one (the planned family).
        reference: Method that percentages refer to; without a proposed one, each other one is compared with it.
        pairs: The planned family itself, as pairs (a, b) of methods of which a minus b is estimated; None: it is the
            proposed method, or the reference, with each other one.
        margin: Endpoint -> smallest difference that matters, in the endpoint's unit.
        alpha: Level of tests; intervals have 1 - alpha.
        draws: Bootstrap draws.
        seed: Of the draws.
        groups: Columns whose strata are compared.
        missing_cap: Error that a missing prediction counts as; None: an image that a run lacks is left out.
        reported_images: Number of test images behind the reported numbers.
        value_label: What the conditions' values are; the name of the axis in tables and figures.
        success: Thresholds of the success detection rates, in millimetres where these are known, else in the unit of
            the errors; None: :data:`SUCCESS_MM` in millimetres, else none; empty: none.
        sequential: Looks that were declared; None: the suite is looked at once.
        folds: Folds of a cross-validation whose folds were put together, so that seeds are its repetitions; None: the
            table says it, or there is none.
        measures: The endpoints; not declared but seen in the table.
        one_family: Whether planned p-values are adjusted over all tested endpoints at once, not within each; of
            scores only, asked for beside the table.
        caps: What a missing value of a score counts as that is not the primary one.
    """

    threshold: float | None = THRESHOLD
    unit: str = 'units of the error'
    design: Design = NESTED
    proposed: str | None = None
    reference: str | None = None
    pairs: tuple[tuple[str, str], ...] | None = None
    margin: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.05
    draws: int = DRAWS
    seed: int = 0
    groups: tuple[str, ...] = ()
    missing_cap: float | None = None
    reported_images: int | None = None
    value_label: str = 'value of the condition'
    success: tuple[float, ...] | None = None
    sequential: SequentialPlan | None = None
    folds: int | None = None
    measures: Measures = ERRORS
    one_family: bool = False
    caps: Mapping[str, float] = field(default_factory=dict)

    @property
    def limit(self) -> float:
        """The failure threshold, where there is one."""
        assert self.threshold is not None
        return self.threshold


#: What ``analysis`` of a suite or a plan may hold.
FIELDS = tuple(one.name for one in fields(Options) if one.name not in ('measures', 'one_family', 'caps'))


def read_options(declared: Mapping[str, Any], measures: Measures = ERRORS, one_family: bool = False,
                 **overrides: Any) -> Options:
    """Check the declared choices.

    Args:
        declared: The plan's ``analysis``.
        measures: The endpoints that the table has.
        one_family: Whether all of them are one family.
        overrides: What goes before it; None is no override.

    Raises:
        TableError: A value that can't be meant: names the field and the remedy.
    """
    given = {**declared, **{key: value for key, value in overrides.items() if value is not None}}
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise TableError(f'analysis: field {unknown[0]}: unknown; known are {", ".join(FIELDS)}')
    given = {key: value for key, value in given.items() if value is not None}
    threshold, cap = _limits(given.get('threshold'), given.get('missing_cap'), measures)
    if measures.scores and given.get('success') is not None:
        raise TableError('success: rates are of errors below a threshold, and the table has scores; leave it out')
    alpha = _number(given.get('alpha', 0.05), 'alpha', 'give a level such as 0.05')
    if alpha >= 0.5:
        raise TableError(f'alpha: {alpha:g} is not below 0.5; give a level such as 0.05')
    design = given.get('design', NESTED)
    if design not in DESIGNS:
        raise TableError(f'design: {design!r} is not one of {", ".join(DESIGNS)}')
    unit = measures.scores[0].unit if measures.scores else str(given.get('unit', Options.unit))
    return Options(
        threshold=threshold, unit=unit, design=design,
        proposed=_name(given.get('proposed')), reference=_name(given.get('reference')),
        pairs=None if given.get('pairs') is None else _pairs(given['pairs']),
        margin=_margins(given.get('margin') or {}, measures), alpha=alpha,
        draws=_count(given.get('draws', DRAWS), 'draws', 100), seed=_count(given.get('seed', 0), 'seed', 0),
        groups=_names(given.get('groups', ()), 'groups'), missing_cap=cap,
        reported_images=None if given.get('reported_images') is None else _count(given['reported_images'],
                                                                                'reported_images', 2),
        value_label=str(given.get('value_label', Options.value_label)),
        success=None if given.get('success') is None else _thresholds(given['success']),
        sequential=read_sequential(given.get('sequential')),
        folds=None if given.get('folds') is None else _count(given['folds'], 'folds', 2), measures=measures,
        one_family=_one_family(one_family, given, measures))


def _one_family(asked: bool, given: Mapping[str, Any], measures: Measures) -> bool:
    if asked and not measures.scores:
        raise TableError('--one-family: is for several scores; errors have a family for each endpoint: leave it out')
    if asked and len(measures.tested) < 2:
        raise TableError('--one-family: there is one endpoint; name several scores, or leave it out')
    if asked and given.get('sequential') is not None:
        raise TableError('--one-family: declared looks hold for each endpoint by itself; leave one of both out')
    return asked


def _limits(threshold: Any, cap: Any, measures: Measures) -> tuple[float | None, float | None]:
    """The failure threshold and what a missing prediction counts as, which is a failure."""
    if measures.scores:
        limit = None if threshold is None else _finite(threshold, 'threshold')
        value = None if cap is None else _finite(cap, 'missing_cap')
        kind, side = f'a {measures.primary}', 'most' if not measures.lower(measures.primary) else 'least'
    else:
        limit = _number(THRESHOLD if threshold is None else threshold, 'threshold',
                        'give it in the unit of the errors')
        value = None if cap is None else _number(cap, 'missing_cap', 'give an error, in the unit of the errors')
        kind, side = 'an error', 'least'
    if value is not None and limit is not None and (value < limit if side == 'least' else value > limit):
        where = 'below' if side == 'least' else 'above'
        raise TableError(f'missing_cap: {value:g} is {where} the threshold {limit:g}: a missing prediction is a '
                         f'failure, so it counts as {kind} of at {side} the threshold')
    return limit, value


def parse_margins(texts: Iterable[str]) -> dict[str, float]:
    """``['ME=0.05']`` to ``{'ME': 0.05}``.

    Raises:
        TableError: A text of another form, or an endpoint that is given twice.
    """
    margins: dict[str, float] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition('='))
        if sign and name in margins:
            raise TableError(f'margin: {name}: given twice; give it once')
        try:
            margins[name] = float(value)
        except ValueError:
            sign = ''
        if not sign:
            raise TableError(f'margin: {text!r} is not of the form ENDPOINT=NUMBER, as in ME=0.05')
    return margins


def _margins(margins: Any, measures: Measures) -> dict[str, float]:
    if not isinstance(margins, Mapping):
        raise TableError(f"margin: {margins!r} is not a mapping; write dict(ME=0.05)")
    for name in margins:
        if name not in measures.tested:
            raise TableError(f'margin: unknown endpoint {name!r}; margins can be given for '
                             f'{", ".join(measures.tested)}')
    shares = [name for name in measures.tested if measures[name].factor == 100 or measures.share(name)]
    several = ' and '.join(filter(None, (', '.join(shares[:-1]), *shares[-1:])))
    are = f' ({several} {"are shares" if len(shares) > 1 else "is a share"}: 0.01 is one per cent)' if shares else ''
    remedy = f"give it in the endpoint's unit{are}"
    for name, value in margins.items():
        if name in shares and isinstance(value, (int, float)) and math.isfinite(value) and value >= 1:
            share = f"; did you mean {name}={value / 100:g}?" if value < 100 else ''
            raise TableError(f'margin of {name}: {value:g} is no share below 1{share} (0.01 is one per cent)')
    return {name: _number(value, f'margin of {name}', remedy) for name, value in margins.items()}


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of methods, each once in one direction."""
    remedy = "write [('mine', 'ft'), ...], each pair once"
    if not isinstance(value, (list, tuple)):
        raise TableError(f'pairs: {value!r} is no list of pairs of methods; {remedy}')
    for one in value:
        if not (isinstance(one, (list, tuple)) and len(one) == 2 and all(isinstance(name, str) for name in one)
                and one[0] != one[1]):
            raise TableError(f'pairs: {one!r} is no pair of two methods; {remedy}')
    found = tuple((a, b) for a, b in value)
    if len({frozenset(pair) for pair in found}) < len(found):
        raise TableError(f'pairs: one stands twice; {remedy}')
    return found


def _thresholds(value: Any) -> tuple[float, ...]:
    """Success thresholds in ascending order, each once."""
    remedy = 'give distances such as 2, 2.5, 3 and 4, or none'
    if not isinstance(value, (list, tuple)):
        raise TableError(f'success: {value!r} is no list of numbers; {remedy}')
    return tuple(sorted({_number(item, 'success', remedy) for item in value}))


def _number(value: Any, name: str, remedy: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise TableError(f'{name}: {value!r} is not a number above 0; {remedy}')
    return float(value)


def _finite(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TableError(f'{name}: {value!r} is not a number; give it in the unit of the scores')
    return float(value)


def _count(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TableError(f'{name}: {value!r} is not a whole number of at least {least}')
    return value


def _name(value: Any) -> str | None:
    return None if value is None else str(value)


def _names(value: Any, name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise TableError(f"{name}: {value!r} is no list of names; write ['column', ...]")
    return tuple(value)
