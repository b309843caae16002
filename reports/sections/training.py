"""How the networks trained, and whether the regularisers act."""

from __future__ import annotations

import math
from typing import Any

from ..figures import training as drawing
from ..figures.curves import BANDS
from .base import Section, Skip, register


@register
class Training(Section):
    """Learning curves and gradient ratios, under the main condition; the numbers of all conditions in tables."""

    name = 'training'
    title = 'Training'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no run kept its history."""
        found = analysis['training']
        if found is None:
            return Skip('No run kept the history of its training: the results came without their runs, or the runs '
                        'were made before histories were kept.')
        names = [name for name in analysis['order']['conditions'] if name in found['conditions']]
        # What is drawn is the main condition; where only others have histories, the first of them.
        condition = analysis['main_condition'] if analysis['main_condition'] in names else names[0]
        blocks = {name: found['conditions'][condition][name] for name in analysis['order']['methods']
                  if name in found['conditions'][condition]}
        losses = {name: block['loss'] for name, block in blocks.items() if block['loss']}
        checks = {name: block['validation'] for name, block in blocks.items()
                  if block['validation'] and len(block['validation']['progress']) > 1}
        curves = _ratios(blocks)
        return {
            'condition': condition,
            'conditions': [name for name in names if name != condition],
            'losses': drawing.losses(analysis, self.styles, losses, 'L_R', 'fig-training') if losses else None,
            'checks': drawing.losses(analysis, self.styles, checks, f'validation ME ({_unit(blocks)})',
                                     'fig-validation') if checks else None,
            'ratios': drawing.ratios(analysis, self.styles, curves, 'fig-ratios') if curves else None,
            'panels': min(len(curves), drawing.MOST_PANELS),
            'regularisers': len(curves),
            'ranges': any(block['n_seeds'] > 1 for block in blocks.values()),
            'bands': any(block['n_seeds'] > 1 for block in blocks.values()) and len(blocks) <= BANDS,
            'rows': {name: _rows(analysis, name) for name in names},
            'readings': found['readings'],
            'acting_on': any(block['regularisers'] for block in blocks.values()),
            'checked_in': _unit(blocks),
            'decimals': decimals,
            'loss_digits': max([decimals(block['final_loss']['median'], 2) for methods in found['conditions'].values()
                                for block in methods.values() if block['final_loss']], default=0),
        }


def decimals(value: float, significant: int) -> int:
    """Decimals that show so many significant digits."""
    return max(0, significant - 1 - math.floor(math.log10(value))) if value > 0 else 0


def _unit(blocks: dict[str, dict[str, Any]]) -> str:
    return str(next(iter(blocks.values()))['validation_unit'])


def _ratios(blocks: dict[str, dict[str, Any]]) -> dict[str, drawing.Curves]:
    """Regulariser -> method -> curve, of those whose gradient was ever above 0."""
    found: dict[str, drawing.Curves] = {}
    for method, block in blocks.items():
        for name, one in block['regularisers'].items():
            if one['ratio'] and max(one['ratio']['high']) > 0:
                found.setdefault(name, {})[method] = one['ratio']
    return dict(sorted(found.items()))


def _rows(analysis: dict[str, Any], condition: str) -> list[tuple[str, list[str]]]:
    """Method and its regularisers, in the order of the plan."""
    blocks = analysis['training']['conditions'][condition]
    return [(name, sorted(blocks[name]['regularisers'])) for name in analysis['order']['methods'] if name in blocks]
