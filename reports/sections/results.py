"""Table 1, conditions, cumulative error distributions and landmarks."""

from __future__ import annotations

from typing import Any

from .. import figures
from .base import Section, Skip, register


@register
class Table1(Section):
    """All methods under the main condition, beside what the paper reports."""

    name = 'table1'
    title = 'Table 1'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """Which columns there are, and the figure of the seeds."""
        has = analysis['endpoints']
        return {
            'columns': [
                (name, title, digits, scale)
                for name, title, digits, scale in (
                    ('ME_printed', 'ME as printed', 3, 1),
                    ('ME_mm', 'ME', 3, 1),
                    ('NME', 'NME', 2, 100),
                    ('FR', 'FR', 2, 100),
                    ('AUC', 'AUC', 3, 1),
                )
                if name in has
            ],
            'reported': any(block['reported'] for block in analysis['methods'].values()),
            'level': f'{100 * (1 - analysis["alpha"]):g} %',
            'single': any(block['n_seeds'] == 1 for block in analysis['methods'].values()),
            'figure': figures.seeds(analysis, self.styles, 'fig-seeds'),
        }


@register
class Contrasts(Section):
    """The planned contrasts in numbers and in words, and whether they survive other analyses."""

    name = 'contrasts'
    title = 'Contrasts'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no contrast was planned."""
        planned = [index for index, one in enumerate(analysis['contrasts']) if one['family'] == 'planned']
        if not planned:
            return Skip('No contrast was planned: name a proposed method or a reference to compare with.')
        rows: dict[tuple[str, str, str], dict[str, int]] = {}
        for index in planned:
            one = analysis['contrasts'][index]
            rows.setdefault((one['endpoint'], one['a'], one['b']), {})[one['scope']] = index
        scale = {'ME': (3, 1, analysis['unit']), 'FR': (2, 100, 'percentage points'), 'AUC': (3, 1, '0 to 1'),
                 'NME': (2, 100, '% of inter-ocular')}
        return {'rows': [(key, scopes, *scale[key[0]]) for key, scopes in rows.items()],
                'level': f'{100 * (1 - analysis["alpha"]):g} %'}


@register
class Conditions(Section):
    """Methods x conditions, and ME against the number of labels."""

    name = 'conditions'
    title = 'Conditions'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where there is only one condition."""
        names = [name for name in analysis['order']['conditions'] if analysis['conditions'][name]['n_images']]
        if len(names) < 2:
            return Skip('All runs were made under one condition.')
        curve = (
            figures.learning_curve(analysis, self.styles, 'fig-curve') if analysis['learning_curve'] else None
        )
        return {'names': names, 'figure': curve}


@register
class Ced(Section):
    """Cumulative error distributions of the main condition."""

    name = 'ced'
    title = 'Error distribution'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """The figure."""
        main = analysis['main_condition']
        single = all(block['n_seeds'] < 2 for block in analysis['methods'].values())
        return {'figure': figures.ced(analysis, self.styles, main, 'fig-ced'), 'single': single}


@register
class Landmarks(Section):
    """Mean error per landmark and method, as a heat table."""

    name = 'landmarks'
    title = 'Landmarks'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Shades between the smallest and the largest mean."""
        landmarks = analysis['landmarks']
        if not landmarks:
            return Skip('The table has no landmarks: each row is a whole image.')
        values = {
            (method, name): cell['mean']
            for method, cells in landmarks['methods'].items()
            for name, cell in cells.items()
        }
        low, high = (
            min(values.items(), key=lambda item: item[1]),
            max(values.items(), key=lambda item: item[1]),
        )
        width = (high[1] - low[1]) or 1.0
        return {
            'names': landmarks['names'],
            'shown': [name for name in analysis['order']['methods'] if name in landmarks['methods']],
            'shade': {key: f'--p:{4 + 56 * (value - low[1]) / width:.1f}%' for key, value in values.items()},
            'low': low[0],
            'high': high[0],
        }
