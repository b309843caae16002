"""Whether the methods of a paired design share seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .contrasts import all_pairs
from .errors import TableError
from .layout import some
from .options import Options
from .scores import Scores
from .terms import PAIRED


def check_pairing(scores: Scores, condition: str, plan: Mapping[str, Any], options: Options, notes: list[str]) -> None:
    """In a paired design, that methods share seeds; where they share only some, those are used, and that is said.

    A method that has got no more seeds because a suite with looks asked for none is not told of.

    Args:
        scores: The main condition's.
        condition: Its name.
        plan: The plan, or an empty dict.
        options: Design and looks.
        notes: Gets the note.

    Raises:
        TableError: Two methods have no seed in common.
    """
    if options.design != PAIRED:
        return
    union = sorted({seed for seeds in scores.seeds.values() for seed in seeds})
    for a, b in all_pairs(scores.methods):
        if not scores.common_seeds(a, b):
            raise TableError(f'design paired: {a} (seeds {some([*map(str, scores.seeds[a])])}) and {b} (seeds '
                             f'{some([*map(str, scores.seeds[b])])}) have no seed in common; number them alike, or '
                             'declare the design nested')
    asked: dict[str, set[int]] = {}
    for run in plan.get('runs', []):
        if run['condition'] == condition:
            asked.setdefault(str(run['method']), set()).add(run['seed'])
    lacking = []
    for method, seeds in scores.seeds.items():
        wanted = union
        if options.sequential is not None:
            # What was asked of it; of a table without a plan all seeds up to its last one.
            wanted = [seed for seed in union if (seed in asked[method] if method in asked else seed <= max(seeds))]
        if gone := [str(seed) for seed in wanted if seed not in seeds]:
            lacking.append(f'{method} lacks {some(gone)}')
    if lacking:
        notes.append(f'Paired design with incomplete seeds ({"; ".join(lacking)}): each contrast uses the '
                     'seeds that both of its methods have.')
