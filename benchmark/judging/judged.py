"""What was judged of a source, in words; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.statistics.endpoints import rounded

#: Raised where a field changes its meaning, or where judging gives other numbers.
FORMAT_VERSION = 1
#: Why a suite's source is not judged that no method takes.
NOT_TAKEN = 'all methods have a source of their own.'
NETWORKS = {'trained': 'source', 'untrained': 'random weights'}


#: Who the people are on whom a suite judges its source.
PEOPLE = {'synthetic': ' (synthetic, none of whom it was trained on)',
          'val': ' (the very people it was trained on, by other images of them: the optimistic case)', 'given': ''}


def _row(name: str, cells: list[str]) -> str:
    return f'  {name:<46}' + ''.join(f'{cell:>26}' for cell in cells)


def _number(value: float) -> str:
    """As the page writes it: three decimals and a true minus sign."""
    return rounded(value, 3).replace('-', '\u2212')


def _share(value: float, interval: Any) -> str:
    return f'{_number(value)} [{_number(interval[0])}, {_number(interval[1])}]'


def _error(of: Mapping[str, Any]) -> str:
    return f'{of["error"]:.2f} [{of["interval"][0]:.2f}, {of["interval"][1]:.2f}]'


def as_text(found: Mapping[str, Any]) -> str:
    """A table of what :func:`benchmark.judging.judge.judge` found: the source, and the network with random weights."""
    networks = [name for name in NETWORKS if name in found]
    faces, size = found['faces'], found['input_size']
    first = found['trained']['verification']
    apart = ', of different clips' if faces['clips'] else ''
    lines = [f'{found["source"]["path"]}: images of {size[0]} x {size[1]} pixels, tap {found["trained"]["tap"]}',
             f'faces: {faces["images"]} images of {faces["identities"]} people in {faces["root"]}',
             f'pairs: {first["positives"]} of one person{apart}, {first["negatives"]} of two',
             _row('', [NETWORKS[name] for name in networks])]
    labels = {'auc': 'verification AUC (chance .5)', '0.01': 'pairs recognised at 1 % false ones',
              '0.001': 'pairs recognised at .1 % false ones'}
    for key, label in labels.items():
        lines.append(_row(label, [_share(value['rates'].get(key, value['auc']), value['intervals'][key])
                                  for value in (found[name]['verification'] for name in networks)]))
    if gain := found.get('gain'):
        lines.append(_row('AUC, gain over random weights', [_share(gain['auc'], gain['interval'])]))
    lines.append(_row('AUC, mean embedding subtracted', [f'{found[name]["verification"]["centred_auc"]:.3f}'
                                                         for name in networks]))
    if named := found['trained']['identification']:
        lines.append(_row(f'named by a linear probe (chance {named["chance"]:.3f})', [
            _share(found[name]['identification']['accuracy'], found[name]['identification']['interval'])
            for name in networks]))
    else:
        lines.append('  no identity has images of two clips: nobody can be named by a linear probe')
    if marked := found.get('landmarks'):
        lines.append(f'landmarks: {marked["train_images"]} training and {marked["test_images"]} test images of '
                     f'{marked["root"]}')
        unit = '% of the inter-ocular distance' if marked['unit'] == '%' else 'pixels of the photograph'
        lines.append(_row(f'mean error, {unit}', []))
        lines.append(_row('the mean shape, without looking', [f'{marked["mean_shape"]:.2f}']))
        for tap in found['trained']['taps']:
            lines.append(_row(f'a linear probe of {tap}', [_error(found[name]['taps'][tap]) for name in networks]))
    return '\n'.join(lines)


def knows(found: Mapping[str, Any]) -> str:
    """What a source knows of faces, in a sentence: whether more than the same network with random
    weights, by the interval of the gain.
    """
    source = found['trained']['verification']
    who = PEOPLE.get(found.get('people', ''), '')
    text = f'Judged on {found["faces"]["identities"]} people{who}, the source tells one from another with an AUC of ' \
           f'{_share(source["auc"], source["intervals"]["auc"])}'
    if 'gain' not in found:
        return f'{text} (chance 0.5).'
    gain = found['gain']
    text += f' (chance 0.5): {_share(gain["auc"], gain["interval"])} more than the same network with random weights'
    if gain['interval'][0] > 0:
        return f'{text}.'
    if gain['interval'][1] <= 0:
        return f'{text}, so it knows no more of faces than an untrained network.'
    return f'{text}, so it is not settled whether it knows more of faces than an untrained network.'


def shortcoming(found: Mapping[str, Any]) -> str | None:
    """What a suite can't show, in a sentence, where its source knows no more of faces than an untrained network.

    A source that was judged without such a network beside it is one itself.
    """
    lacks = "these results can't show what it is worth to hold on to"
    if 'gain' not in found:
        return f'The source is an untrained network: {lacks} a source that knows faces.'
    if found['gain']['interval'][0] > 0:
        return None
    source, random = (_number(found[name]['verification']['auc']) for name in NETWORKS)
    said = ('The source knows no more of faces than an untrained network' if found['gain']['interval'][1] <= 0 else
            'It is not settled whether the source knows more of faces than an untrained network')
    return f'{said} (AUC {source} against {random}): {lacks} one that does.'
