"""Test pictures with truth and predictions."""

from __future__ import annotations

from typing import Any

from ..images import definition, load, overlay
from .base import Section, register


@register
class Samples(Section):
    """A grid methods x pictures: the worst, the median and the best."""

    name = 'samples'
    title = 'Test images'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """Pictures that are there, with one overlay per method."""
        root = analysis['data'].get('root')
        found, defs = [], []
        for index, sample in enumerate(analysis['samples']):
            picture = load(root, sample, self.base)
            if picture is None:
                continue
            element = f'face-{index}'
            defs.append(definition(picture, element))
            cells = {
                method: overlay(
                    picture,
                    element,
                    sample['truth'],
                    prediction['points'],
                    self.styles[method].raw,
                    f'{analysis["methods"][method]["label"]} on {sample["image"]}',
                )
                for method, prediction in sample['predictions'].items()
            }
            found.append({'index': index, 'sample': sample, 'cells': cells})
        return {
            'found': found,
            'defs': defs,
            'chosen': len(analysis['samples']),
            'shown': [
                name for name in analysis['order']['methods'] if any(name in item['cells'] for item in found)
            ],
        }
