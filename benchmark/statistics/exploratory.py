"""Planned pairs by many things at once, such as landmarks or measurements; none of it is tested as planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .crossed import Block, contrast
from .estimates import Estimate
from .options import Options
from .rank_tests import benjamini_hochberg
from .scores import Scores
from .terms import SCOPES


def exploratory(what: str, blocks: Mapping[str, Mapping[str, Block]], scores: Scores, pairs: Sequence[tuple[str, str]],
                options: Options) -> list[dict[str, Any]]:
    """Mean of a minus that of b, by thing, planned pair and scope.

    p-values are adjusted by Benjamini and Hochberg over the things of a pair and scope.

    Args:
        what: The field that names the thing, such as ``landmark``.
        blocks: Thing -> method -> its block (S, N).
        scores: Methods and their seeds.
        pairs: Planned pairs.
        options: Design and level.
    """
    found = []
    for a, b in pairs:
        for scope in SCOPES:
            estimates = [contrast(*scores.alike((own[a], own[b]), a, b, options.design), scope, options.design)
                         for own in blocks.values()]
            Estimate.together(estimates, [1 - options.alpha])
            adjusted = benjamini_hochberg([float(one.p) for one in estimates])
            for name, one, p_adjusted in zip(blocks, estimates, adjusted, strict=True):
                low, high = one.interval(1 - options.alpha)
                found.append({what: name, 'a': a, 'b': b, 'scope': scope, 'estimate': one.estimate, 'se': one.se,
                              'df': one.df, 'p': one.p, 'p_adjusted': p_adjusted, 'ci_low': low, 'ci_high': high})
    return found
