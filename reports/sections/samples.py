"""Test pictures with truth, predictions and predicted heatmaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from ..heatmaps import Heatmaps, layer, legend
from ..images import TRUE, Picture, definition, heated, load, overlay
from ..page_text import cut, isolated
from .base import Section, Skip, register

#: All pictures of the page together, in characters.
BUDGET = 1_500_000
#: Methods or landmarks that are named in a reason.
SOME = 4
#: The image browser's filter for each kind of reason.
FILTERS = {
    'worst': 'worst', 'method worst': 'worst', 'landmark worst': 'worst', 'median': 'median', 'between': 'median',
    'best': 'best', 'method best': 'best', 'proposed better': 'apart', 'reference better': 'apart',
}


@dataclass
class Shown:
    """An image whose picture was found.

    Attributes:
        index: Its place in ``samples``.
        sample: That entry.
        picture: The picture.
        why: Why it is shown, in a line.
        cells: Method -> picture with points; for the grid only.
        heats: Method -> id of the heatmap's element.
        heated: Method -> picture with heatmap; for the grid only.
    """

    index: int
    sample: dict[str, Any]
    picture: Picture
    why: str
    cells: dict[str, Markup] = field(default_factory=dict)
    heats: dict[str, str] = field(default_factory=dict)
    heated: dict[str, Markup] = field(default_factory=dict)

    @property
    def element(self) -> str:
        return f'face-{self.index}'


@register
class Samples(Section):
    """A grid methods x pictures, predicted heatmaps, and a browser of all chosen images."""

    name = 'samples'
    title = 'Test images'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Pictures that are there, with overlays; skipped where there is none."""
        if not analysis['samples']:
            return Skip('The results have no landmark coordinates, or counted missing predictions, so no pictures can '
                        'be drawn.')
        found = self._found(analysis)
        if not found:
            return Skip(_missing(analysis))
        defs = [definition(one.picture, one.element, one.sample['truth']) for one in found]
        heatmaps = Heatmaps(self.base, analysis, records)
        layers, cut_off = self._layers(analysis, found, heatmaps, sum(map(len, defs)))
        grid = [one for one in found if one.sample['why']]
        for one in grid:
            self._draw(analysis, one)
        columns = [one for one in grid if one.heats]
        shown = [name for name in analysis['order']['methods'] if any(name in o.sample['predictions'] for o in found)]
        return {
            'grid': grid,
            'columns': columns,
            'defs': [*defs, *layers],
            'all': found,
            'chosen': len(analysis['samples']),
            'shown': shown,
            'heat_methods': [name for name in shown if any(name in one.heated for one in columns)],
            'lacking': '' if layers else heatmaps.lacking(),
            'cut_off': cut_off,
            'legend': legend(),
            'browser': self._browser(analysis, found, shown),
            'left_out': _left_out(analysis, shown),
        }

    def _found(self, analysis: dict[str, Any]) -> list[Shown]:
        root, found = analysis['data'].get('root'), []
        for index, sample in enumerate(analysis['samples']):
            picture = load(root, sample, self.base)
            if picture is not None:
                found.append(Shown(index, sample, picture, _words(analysis, sample['reasons'])))
        return found

    @staticmethod
    def _layers(analysis: dict[str, Any], found: list[Shown], heatmaps: Heatmaps,
                used: int) -> tuple[list[Markup], int]:
        """Heatmaps as elements, as many as the page has room for, and the number of images that lack some for that."""
        layers, cut_off = [], 0
        for one in found:
            lacks = False
            for slot, method in enumerate(analysis['order']['methods']):
                prediction = one.sample['predictions'].get(method)
                heat = prediction and heatmaps.find(method, prediction['seed'], one.sample['image'])
                if not heat:
                    continue
                element = layer(*heat, one.picture.box, f'heat-{one.index}-{slot}')
                lacks |= used + len(element) > BUDGET
                if not lacks:
                    layers.append(element)
                    one.heats[method] = f'heat-{one.index}-{slot}'
                    used += len(element)
            cut_off += lacks
        return layers, cut_off

    def _draw(self, analysis: dict[str, Any], one: Shown) -> None:
        """The cells of the grids."""
        for method, prediction in one.sample['predictions'].items():
            label = f'{analysis["methods"][method]["label"]} on {one.sample["image"]}'
            one.cells[method] = overlay(one.picture, one.element, one.sample['truth'], prediction['points'],
                                        self.styles[method].raw, label)
            if method in one.heats:
                one.heated[method] = heated(one.picture, one.element, one.heats[method], f'heatmap of {label}')

    def _browser(self, analysis: dict[str, Any], found: list[Shown], shown: list[str]) -> dict[str, Any]:
        """What the image browser's script draws from; numbers are those of analysis.json, as they are."""
        names = sorted({name for one in found for name in one.sample['landmarks']})
        listed = (analysis['landmarks'] or {}).get('names') or names
        names = [name for name in listed if name in names]
        return {
            'true': TRUE,
            'filters': [name for name in dict.fromkeys(FILTERS.values())
                        if any(FILTERS[reason['kind']] == name for one in found for reason in one.sample['reasons'])],
            'methods': [{'label': isolated(cut(analysis['methods'][name]['label'], 60)),
                         'colour': self.styles[name].raw} for name in shown],
            'landmarks': [isolated(cut(name, 60)) for name in names],
            'images': [{
                'name': isolated(cut(one.sample['image'], 40)), 'face': one.element, 'box': list(one.picture.box),
                'error': one.sample['error'], 'truth': one.sample['truth'],
                'landmarks': [names.index(name) for name in one.sample['landmarks']], 'about': one.why,
                'why': [{'filter': FILTERS[reason['kind']],
                         'method': shown.index(reason['method']) if reason['method'] in shown else None,
                         'landmark': names.index(reason['landmark']) if reason['landmark'] in names else None}
                        for reason in one.sample['reasons']],
                'nets': [None if (net := one.sample['predictions'].get(name)) is None else
                         {'error': net['error'], 'errors': net['errors'], 'points': net['points'],
                          'heat': one.heats.get(name)} for name in shown],
            } for one in found],
        }


def _words(analysis: dict[str, Any], reasons: list[dict[str, Any]]) -> str:
    """Why an image was chosen, as 'worst of all; worst for A, B and 3 more'."""
    def label(name: str | None) -> str:
        return isolated(cut(analysis['methods'][name]['label'], 40)) if name in analysis['methods'] else str(name)

    grouped: dict[str, list[str]] = {}
    for one in reasons:
        name = label(one['method']) if one['method'] is not None else isolated(cut(str(one['landmark'] or ''), 40))
        grouped.setdefault(one['kind'], []).append(name)
    words = {'worst': 'worst of all', 'best': 'best of all', 'between': 'in between', 'median': 'median',
             'method worst': 'worst for ', 'method best': 'best for ', 'landmark worst': 'worst at ',
             'proposed better': f'{label(analysis["reference"])} furthest behind ',
             'reference better': f'{label(analysis["proposed"])} furthest behind '}
    return '; '.join(words[kind] + _some(names) for kind, names in grouped.items())


def _some(names: list[str]) -> str:
    return ', '.join(names[:SOME]) + (f' and {len(names) - SOME} more' if len(names) > SOME else '')


def _missing(analysis: dict[str, Any]) -> str:
    """Why there is no picture, and where it was looked for."""
    root = analysis['data'].get('root')
    if not root:
        return 'The plan does not say where the test images are, so no pictures can be shown.'
    return (f'The pictures are not in the data set\'s folder (any more), so they can\'t be shown: looked for '
            f'{cut(analysis["samples"][0]["image"], 80)} and {len(analysis["samples"]) - 1} more in {root}/images.')


def _left_out(analysis: dict[str, Any], shown: list[str]) -> list[str]:
    """Methods and landmarks whose worst or best image found no room."""
    there = {(one['kind'], one['method'] or one['landmark'])
             for sample in analysis['samples'] for one in sample['reasons']}
    methods, landmarks = shown if len(shown) > 1 else [], (analysis['landmarks'] or {}).get('names') or []
    kinds = {'method worst': ('worst', methods, 'methods'), 'landmark worst': ('worst', landmarks, 'landmarks'),
             'method best': ('best', methods, 'methods')}
    lacking = {kind: sum((kind, name) not in there for name in names) for kind, (_, names, _) in kinds.items()}
    return [f'{word} image of {lacking[kind]} of {len(names)} {what}' for kind, (word, names, what) in kinds.items()
            if lacking[kind]]
