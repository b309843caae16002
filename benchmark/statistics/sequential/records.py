"""What a look is: what is known of each planned contrast with the seeds that are there, and what it is called.

It is written to JSON and read again, so that a ledger can hold it. How it comes about: :mod:`.looks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from benchmark.utils.files import digest

from ..errors import TableError
from ..options import Options
from ..output import plain
from ..terms import DECISIONS


@dataclass(frozen=True)
class LookedContrast:
    """A planned contrast of procedures at a look.

    What is settled is carried on unchanged: later looks neither test it again nor take anything back. Where Holm lets a
    level suffice that an earlier look has crossed, the numbers are those of that look, and so is the side.

    Attributes:
        condition: Condition of the suite: the main one.
        endpoint: ``ME``, ``FR``, ``AUC`` or ``NME``.
        a: First method.
        b: Second method; differences are mean(a) - mean(b).
        primary: Whether the suite goes on for it (:func:`primary_endpoints`).
        n_seeds: Seeds of a and of b; in a paired design the common ones.
        estimate: mean(a) - mean(b), in the unit of the endpoint.
        se: Its standard error; None, as all that follows from it, where it can't be estimated.
        p: Two-sided p-value of this look alone.
        z: Normal score of the same tail probability, with the sign of the estimate.
        information: 1 / se^2.
        fraction: Share of the planned seeds, in (0, 1], by which the level is spent (:mod:`.levels`). Of
            unequal numbers of seeds the harmonic mean counts.
        spent: Level spent until now, of ``level``.
        level: Level that Holm asks of this contrast at this look.
        boundary: p-value below which this look crosses, at ``level``; 0 where nothing is spent yet.
        critical: The same in the unit of the endpoint: a difference beyond it, of either sign, crosses. None where
            nothing is spent yet.
        p_sequential: Smallest level at which a look so far has crossed; two-sided, of no difference. 1 before there is
            one.
        p_adjusted: That, adjusted by Holm over the planned family within the endpoint.
        p_above: The same one-sided, of a - b being at or below -margin; None without a margin.
        p_below: The same one-sided, of a - b being at or above the margin; None without a margin.
        low: Lower end of the repeated interval with 1 - alpha of this contrast.
        high: Its upper end.
        low_equivalence: Lower end of the repeated interval with 1 - 2 alpha, by which equivalence is judged.
        high_equivalence: Its upper end.
        low_simultaneous: Lower end of that of the whole family.
        high_simultaneous: Its upper end.
        chance: Chance that the maximum would settle it, as things stand; None where it is settled or not known.
        images_needed: Test images that would do with the seeds that are there, or else with the most; from the planner,
            None where it is not futile or none do.
        decision: One of :data:`..terms.DECISIONS`.
        settled: Whether seeds are no longer trained for it.
        settled_at: Number of the look that settled it; None while it is open.
        df: Satterthwaite's degrees of freedom, which describe; None, as what follows, in older ledgers.
        n_units: Images, or subjects.
        percent: The estimate in percent of b's mean; None where that is 0.
        median_unbiased: Median-unbiased estimate after a stop (:mod:`.estimates`); at a first look the estimate.
        median_low: Lower end of its interval with 1 - alpha; at a first look the one of a single look.
        median_high: Its upper end.
        images_seeds: Seeds per method with which ``images_needed`` would do.
    """

    condition: str
    endpoint: str
    a: str
    b: str
    primary: bool
    n_seeds: tuple[int, int]
    estimate: float
    se: float | None
    p: float | None
    z: float | None
    information: float | None
    fraction: float
    spent: float
    level: float
    boundary: float
    critical: float | None
    p_sequential: float
    p_adjusted: float
    p_above: float | None
    p_below: float | None
    low: float | None
    high: float | None
    low_equivalence: float | None
    high_equivalence: float | None
    low_simultaneous: float | None
    high_simultaneous: float | None
    chance: float | None
    images_needed: int | None
    decision: str
    settled: bool
    settled_at: int | None
    df: float | None = None
    n_units: int | None = None
    percent: float | None = None
    median_unbiased: float | None = None
    median_low: float | None = None
    median_high: float | None = None
    images_seeds: int | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Condition, endpoint, a and b."""
        return self.condition, self.endpoint, self.a, self.b


@dataclass(frozen=True)
class Look:
    """One look at a suite.

    Attributes:
        number: From 1.
        seeds: Method -> its seeds under the main condition.
        contrasts: The planned contrasts of every tested endpoint.
        digest: Of the plan that it was taken under (:func:`plan_digest`).
        last: Whether no further look is planned: all is settled, or the maximum is reached.
        lacking: Planned contrasts that the suite goes on for and of which a method has no results: endpoint, a, b.
    """

    number: int
    seeds: dict[str, int]
    contrasts: tuple[LookedContrast, ...]
    digest: str
    last: bool
    lacking: tuple[tuple[str, str, str], ...] = ()

    @property
    def settled(self) -> bool:
        """Whether all contrasts that the suite goes on for are settled."""
        return not self.lacking and all(one.settled for one in self.contrasts if one.primary)

    @property
    def open(self) -> tuple[LookedContrast, ...]:
        """Those that are not, and have results."""
        return tuple(one for one in self.contrasts if one.primary and not one.settled)

    def of(self, key: tuple[str, str, str, str]) -> LookedContrast | None:
        """A contrast by its key; None where this look has none such."""
        return next((one for one in self.contrasts if one.key == key), None)

    def to_json(self) -> dict[str, Any]:
        """As :meth:`from_json` reads it; numbers with twelve digits."""
        content: dict[str, Any] = plain(asdict(self))
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Look:
        """Reads a look.

        Raises:
            TableError: A field is missing or unknown, or a decision that there is not.
        """
        given = _fields(cls, content, 'look')
        contrasts = []
        for one in given['contrasts']:
            known = _fields(LookedContrast, one, f'look {given["number"]}, contrast')
            if known['decision'] not in DECISIONS:
                raise TableError(f'look {given["number"]}: field decision: {known["decision"]!r} is not one of '
                                 f'{", ".join(DECISIONS)}')
            contrasts.append(LookedContrast(**{**known, 'n_seeds': tuple(known['n_seeds'])}))
        return cls(**{**given, 'seeds': dict(given['seeds']), 'contrasts': tuple(contrasts),
                      'lacking': tuple(map(tuple, given.get('lacking', ())))})


def _fields(kind: type[Any], content: Mapping[str, Any], where: str) -> dict[str, Any]:
    names = [one.name for one in fields(kind)]
    for name in (one.name for one in fields(kind) if one.default is MISSING):
        if name not in content:
            raise TableError(f'{where}: field {name}: missing; was it cut? Take it from a copy')
    if unknown := sorted(set(content) - {*names}):
        raise TableError(f'{where}: field {unknown[0]}: unknown; it was written by another version')
    return dict(content)


def primary_endpoints(present: Sequence[str], options: Options) -> tuple[str, ...]:
    """Endpoints that a suite goes on for: those with a declared margin, else the mean error.

    Each endpoint is a family of its own with an error rate of its own, so a suite that waited for every one would
    nearly always run to its maximum for the noisiest. What the author declared a margin for is what is said to matter.

    Args:
        present: Endpoints that there are.
        options: Names the margins.
    """
    declared = tuple(name for name in options.measures.tested if name in options.margin and name in present)
    return declared or tuple(name for name in options.measures.tested if name in present)[:1]


def open_methods(look: Look) -> tuple[str, ...]:
    """Methods that still need seeds: those with an open contrast, in the order of the look; none after the last.

    Where all runs of a method have failed, more seeds are asked of neither it nor, for its sake, the other one.
    """
    if look.last:
        return ()
    wanted = {name for one in look.open for name in (one.a, one.b)}
    return tuple(name for name in look.seeds if name in wanted)


def declaration(options: Options, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What must not change between two looks, JSON-ready: plan, planned family, margins, level, threshold, design.

    Args:
        options: The declared analysis; ``sequential`` is None where no looks are declared.
        pairs: The planned contrasts, as :func:`..pairs.planned_pairs` gives them for all methods of the suite.
    """
    return {'sequential': options.sequential and asdict(options.sequential), 'pairs': [list(pair) for pair in pairs],
            'margin': dict(options.margin), 'alpha': options.alpha, 'threshold': options.threshold,
            'design': options.design, 'missing_cap': options.missing_cap}


def plan_digest(options: Options, pairs: Sequence[tuple[str, str]]) -> str:
    """A digest of the :func:`declaration`; a suite without a sequential plan has one too."""
    return digest(plain(declaration(options, pairs)))[:16]
