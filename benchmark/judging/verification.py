"""How well embeddings tell people apart: verification, with intervals over identities; numpy only.

Pairs of images share people, so a pair is no unit of its own: what is drawn again is identities (a bootstrap with
counts w_i), a pair of one person weighs w_i, one of two people w_i w_j. Two images of one clip are nearly one image, so
pairs within a clip are left out.

Symbols: N: images, d: width of an embedding, I: identities, P: pairs, B: draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Shares of pairs of two people that may be taken for one, at which the true positives are counted.
FALSE_POSITIVES = (0.01, 0.001)
#: Most pairs of two people; of more, so many are drawn once.
MOST_PAIRS = 400_000
#: Images up to which all pairs are listed; of more, pairs of two people are drawn without listing them.
LISTED = 4000
DRAWS = 1000
LEVEL = 0.95


class JudgingError(ValueError):
    """Faces on which nothing can be judged; the message says what is missing and what to add."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of images, of one person and of two.

    Attributes:
        first: Number of the first image, (P,).
        second: Number of the second image, (P,).
        same: Whether both show one person, (P,).
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray


def pairs_of(identities: Sequence[int], clips: Sequence[str | None], most: int = MOST_PAIRS, seed: int = 0) -> Pairs:
    """All pairs of images but those of one clip; of very many pairs of two people a random part.

    Args:
        identities: Number of each image's person, (N,).
        clips: Clip of each image, (N,); None for an image that is known to be of no clip.
        most: Most pairs of two people.
        seed: Seed of that part.

    Raises:
        JudgingError: There is one identity only, or no pair of one person.
    """
    who = np.asarray(identities)
    if len(np.unique(who)) < 2:
        raise JudgingError('shows one identity. Verification needs images of at least two, better fifty.')
    names = {}
    clip = np.array([names.setdefault(one, len(names)) if one is not None else -1 - n for n, one in enumerate(clips)])
    if len(who) > LISTED:
        first, second = _drawn(who, most, np.random.default_rng(seed))
    else:
        first, second = np.triu_indices(len(who), 1)
    same = who[first] == who[second]
    kept = ~(same & (clip[first] == clip[second]))
    if not (same & kept).any():
        raise JudgingError('has no two images of one identity' + (' from different clips' if same.any() else '')
                           + '. Add images: two or more of each identity' + (
                               ', each from a clip of its own.' if same.any() else '.'))
    others = np.flatnonzero(kept & ~same)
    if len(others) > most:
        left_out = np.random.default_rng(seed).permutation(len(others))[most:]
        kept[others[left_out]] = False
    return Pairs(first[kept], second[kept], same[kept])


def _drawn(who: np.ndarray, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of one person, and as many different ones of two as are asked for, as far as there are so many.

    Args:
        who: Number of each image's person, (N,).
        most: Most pairs of two people.
        rng: Draws them.
    """
    count = len(who)
    order = np.argsort(who, kind='stable')
    groups = np.split(order, np.flatnonzero(np.diff(who[order])) + 1)
    own = [np.sort(group)[np.stack(np.triu_indices(len(group), 1))] for group in groups if len(group) > 1]
    found = np.empty(0, dtype=np.int64)
    wanted = min(most, (count * (count - 1) - sum(len(group) * (len(group) - 1) for group in groups)) // 2)
    while len(found) < wanted:
        one, other = rng.integers(0, count, (2, 2 * most))
        apart = who[one] != who[other]
        number = np.minimum(one, other)[apart] * count + np.maximum(one, other)[apart]
        found = np.concatenate([found, number])
        found = found[np.sort(np.unique(found, return_index=True)[1])][:wanted]
    first, second = np.concatenate([*own, np.stack(np.divmod(found, count))], axis=1)
    return first, second


def similarities(embeddings: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Cosine of the angle between the embeddings (N, d) of each pair, (P,); 0 beside an embedding of zeros."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = np.divide(embeddings, lengths, out=np.zeros_like(embeddings, dtype=np.float64), where=lengths > 0)
    if len(unit) <= LISTED:
        return (unit @ unit.T)[pairs.first, pairs.second]
    found = np.empty(len(pairs.first))
    for start in range(0, len(found), 1 << 16):
        part = slice(start, start + (1 << 16))
        found[part] = np.einsum('pd,pd->p', unit[pairs.first[part]], unit[pairs.second[part]])
    return found


@dataclass(frozen=True)
class Verification:
    """What the similarities of pairs say.

    Attributes:
        auc: Probability that a pair of one person is more alike than a pair of two (ties count half).
        rates: Share of a false positive -> share of the pairs of one person that are more alike than all but that
            share of the pairs of two.
        intervals: Intervals of both, ``auc`` and the shares as keys.
        identities: Identities that are in some pair of one person.
        positives: Pairs of one person.
        negatives: Pairs of two people.
        drawn: The area in each draw of identities, (B,); NaN where a draw has no pair of one person, or none of two.
    """

    auc: float
    rates: dict[float, float]
    intervals: dict[str | float, tuple[float, float]]
    identities: int
    positives: int
    negatives: int
    drawn: np.ndarray


def verify(scores: np.ndarray, pairs: Pairs, identities: Sequence[int], draws: int = DRAWS, seed: int = 0,
           level: float = LEVEL) -> Verification:
    """Area under the ROC curve and true positives at few false ones, with percentile intervals over identities.

    Args:
        scores: Similarity of each pair, (P,).
        pairs: The pairs.
        identities: Number of each image's person, (N,).
        draws: Draws of identities; 0 gives no intervals.
        seed: Seed of the draws.
        level: Level of the intervals.
    """
    _, who = np.unique(np.asarray(identities), return_inverse=True)
    order = np.argsort(scores, kind='stable')
    first, second, same = who[pairs.first][order], who[pairs.second][order], pairs.same[order]
    ends = np.flatnonzero(np.append(np.diff(scores[order]) > 0, True))
    count = who.max() + 1
    auc, rates = _curve(np.ones(count), first, second, same, ends)
    rng = np.random.default_rng([seed, 1])
    drawn = np.full((draws, 1 + len(FALSE_POSITIVES)), np.nan)
    for row in drawn:
        weights = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
        one, shares = _curve(weights, first, second, same, ends)
        row[:] = [one, *shares]
    keys = ('auc', *FALSE_POSITIVES)
    return Verification(auc, dict(zip(FALSE_POSITIVES, rates, strict=True)),
                        {key: interval_of(values, level) for key, values in zip(keys, drawn.T, strict=True) if draws},
                        len(np.unique(first[same])), int(same.sum()), int((~same).sum()), drawn[:, 0])


def interval_of(drawn: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of draws (B,), without those that are NaN."""
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _curve(weights: np.ndarray, first: np.ndarray, second: np.ndarray, same: np.ndarray,
           ends: np.ndarray) -> tuple[float, list[float]]:
    """AUC and true positives of weighted identities; NaN where a draw has no pair of one person, or none of two.

    Args:
        weights: Weight of each identity, (I,).
        first: Identity of each pair's first image, pairs in the order of their scores, (P,).
        second: Of the second.
        same: Whether they are one person.
        ends: Last pair of each group of equal scores.
    """
    weight = np.where(same, weights[first], weights[first] * weights[second])
    positive = np.cumsum(np.where(same, weight, 0.0))[ends]
    negative = np.cumsum(np.where(same, 0.0, weight))[ends]
    if positive[-1] <= 0 or negative[-1] <= 0:
        return np.nan, [np.nan] * len(FALSE_POSITIVES)
    before = np.concatenate([[0.0], negative[:-1]])
    gained = np.diff(positive, prepend=0.0)
    auc = float((gained * (before + negative) / 2).sum() / (positive[-1] * negative[-1]))
    rates = []
    for share in FALSE_POSITIVES:
        # The lowest threshold above which no more than this share of the pairs of two people lies.
        threshold = int(np.searchsorted(negative, negative[-1] * (1 - share) * (1 - 1e-12)))
        rates.append(float(1 - positive[threshold] / positive[-1]))
    return auc, rates
