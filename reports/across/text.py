"""What is said over several data sets, in words: the methods paragraph, and the first screen as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmark.program import described
from benchmark.statistics.across import FILE
from benchmark.statistics.terms import NETWORKS, PROCEDURE

from ..answers import listed
from ..methods_text import capped, compared, contrasted, joined, levels_of, made_by, margins_of, measured
from ..numbers import primary, probability
from ..page_text import cut
from ..summary_text import estimate, markdown, plain
from ..verdicts import VERDICTS
from .numbers import names, of_averages, of_differences, of_means

Analyses = Mapping[str, dict[str, Any]]


def paragraphs(content: dict[str, Any], analyses: Analyses) -> list[str]:
    """Design, statistics and software, a paragraph each, without markup; of fields alone.

    Args:
        content: Content of datasets.json.
        analyses: Data set -> content of its analysis.json.
    """
    return joined(_design(content, analyses), _within(content, analyses), _combined(content),
                  made_by(content['program']))


def _design(content: dict[str, Any], analyses: Analyses) -> list[str]:
    sets, first = content['data_sets'], next(iter(analyses.values()))
    labels = [cut(content['methods'][name]['label'], 60) for name in content['order']['methods']]
    folds = {(one['folds'] or {}).get('n_folds') for one in analyses.values()}
    folded = None if folds == {None} else 'a cross-validation' + (
        f' in {folds.pop()} folds' if len(folds) == 1 else '')
    seeds = [number for one in sets for number in one['seeds']]
    told = listed([f'{cut(one["name"], 40)} ({_size(one)})' for one in sets])
    return [*compared(labels, f' on {len(sets)} data sets', seeds, first['design'], folded), *_left_out(content),
            f'The data sets were {told}.']


def _left_out(content: Mapping[str, Any]) -> list[str]:
    lost = content['left_out']
    if not lost:
        return []
    told = listed([f'{cut(name, 60)} (not in {listed([cut(one, 40) for one in where])})'
                   for name, where in lost.items()])
    return [f'Left out {"was" if len(lost) == 1 else "were"} {told}, as only methods that all data sets have were '
            'compared.']


def unplanned(content: Mapping[str, Any]) -> str:
    """What is said in the place of the answer where no contrast was planned, and what makes one.

    Args:
        content: Content of datasets.json.
    """
    names = listed([cut(content['methods'][name]['label'], 60) for name in content['order']['methods']])
    return ('No contrast was planned, so none is combined and there is no answer. Add to the command of '
            'tools/analyze.py which method the question is about, and make the page again: --proposed NAME compares it '
            f'with each other method, --reference NAME each other one with it; NAME is one of {names}.')


def of_all(content: Mapping[str, Any], short: bool = False) -> str:
    """What the number of each method over all data sets is.

    Args:
        content: Content of datasets.json.
        short: As the head of a column.
    """
    block, count = content['means'], len(content['data_sets'])
    if block['base'] is not None:
        base = cut(content['methods'][block['base']]['label'], 40)
        return f'relative to {base}, %' if short else (
            f'Relative to {base}: the geometric mean over these {count} data sets, in % above or below that of {base}; '
            'in which unit a data set has its errors changes nothing. It has no interval: those of differences are '
            'those of the planned contrasts.')
    return f'mean over these {count} data sets' if short else (
        f'Mean over these {count} data sets, unweighted: each data set counts once, however many images it has; one '
        'whose errors are large moves the mean most. Its interval is over '
        f'{listed(block["drawn"])} within these data sets{_once(content)}; it says nothing of others, and as methods '
        'share images, whether intervals overlap says nothing of a difference.')


def _once(content: Mapping[str, Any]) -> str:
    """In which data sets the interval of a mean is over images alone, as methods have one run there."""
    every = len(content['order']['methods'])
    found: dict[str, list[str]] = {}
    for name, methods in content['means']['single_run'].items():
        which = '' if len(methods) == every else 'of ' + listed(
            [cut(content['methods'][method]['label'], 60) for method in methods])
        found.setdefault(which, []).append(cut(name, 40))
    return ''.join(f', in {listed(where)} over images alone (one run {which or "per method"})'
                   for which, where in found.items())


def _size(one: Mapping[str, Any]) -> str:
    images = f'{one["images"]} image{"s" if one["images"] != 1 else ""}'
    return f'{images} of {one["units"]} subjects' if one['unit'] == 'subject' else images


def _within(content: dict[str, Any], analyses: Analyses) -> list[str]:
    """Endpoints, contrasts, and how each data set's own difference and its variance come about."""
    contrasts, first = content['contrasts'], next(iter(analyses.values()))
    found = [*dict.fromkeys(one['endpoint'] for one in contrasts)] or [primary(content)]
    said = measured(content, found, any(one['unit'] == 'subject' for one in content['data_sets']))
    said += capped(first)
    if not contrasts:
        return [*said, 'No contrast was planned, and none was tested over data sets.']
    label = {name: cut(one['label'], 60) for name, one in content['methods'].items()}
    said += [contrasted([*dict.fromkeys((one['a'], one['b']) for one in contrasts)], label)]
    scopes = {one['scope'] for one in contrasts}
    if PROCEDURE in scopes and any(one['folds'] for one in analyses.values()):
        said += ['Within a data set methods were compared as training procedures, on the differences of what was '
                 'tested, with their variance raised as training sets overlap (after Nadeau and Bengio).']
    elif PROCEDURE in scopes:
        said += ['Within a data set seeds and images were taken as crossed random factors: methods were compared as '
                 'training procedures.']
    if NETWORKS in scopes:
        once = all(one['seeds'] == [1] for one in content['data_sets'])
        said += [('As each method has a single run in each data set, trained models were compared, ' if once else
                  'Where a method has a single run in a data set, its trained models were compared, ')
                 + 'with images as the only random factor.']
    return said


def _combined(content: dict[str, Any]) -> list[str]:
    """How data sets were taken, what was combined and tested, over what p-values were adjusted, and the ranking."""
    count, contrasts = len(content['data_sets']), content['contrasts']
    pairs, said = {(one['a'], one['b']) for one in contrasts}, []
    random = content['kind'] == 'random'
    parts = ', tested with the part of seeds apart from that of images' if PROCEDURE in {
        one['scope'] for one in contrasts} else ''
    if contrasts:
        said += ['Combined were logarithms of ratios of means, told as relative differences.'
                 if content['combined'] == 'ratio' else
                 'Combined were differences of means in the unit of the endpoint.']
        said += ([f'The {count} data sets were taken as a random sample of data sets: the combined difference is their '
                  'mean, weighted by 1 / (τ² + v), where v is the variance of a data set’s difference and τ² that '
                  'between data sets (after Paule and Mandel); it was tested by the rule of Hartung and Knapp, with t '
                  f'on {count - 1} degrees of freedom. Prediction intervals for a new data set are those of Nagashima, '
                  'Noma and Furukawa.'] if random else
                 [f'The {count} data sets were taken as fixed: the combined difference is their unweighted mean, its '
                  f'variance the sum of theirs over {count}²{parts}, and nothing is said of other data sets.'])
        said += ['How much data sets differ is given by τ with its 95 % interval (Q profiles), I² and Cochran’s Q.']
        if content['family'] == 'all endpoints':
            said += ['p-values were adjusted over the planned contrasts of all endpoints by Holm’s method.']
        elif len(pairs) > 1:
            said += ['p-values were adjusted over the planned contrasts within endpoint by Holm’s method.']
        said += margins_of(content['margin'], partial(of_differences, content))
    said += [levels_of(content, len(pairs))]
    return [*said, 'Methods were ranked by the mean of their ranks within data sets, with intervals from '
            f'{content["draws"]:,} bootstrap draws of {listed(content["ranking"]["drawn"])}.', _averaged(content)]


def _averaged(content: Mapping[str, Any]) -> str:
    """How each method's number over all data sets is made."""
    block = content['means']
    if block['base'] is not None:
        return ('Beside the ranks stands each method’s geometric mean over the data sets, relative to that of '
                f'{cut(content["methods"][block["base"]]["label"], 60)}.')
    return ('Beside the ranks stands each method’s unweighted mean over these data sets, with an interval over '
            f'{listed(block["drawn"])} within them{_once(content)}.')


def summary(content: dict[str, Any], analyses: Analyses, answers: Mapping[str, str]) -> str:
    """The first screen as Markdown.

    Args:
        content: Content of datasets.json.
        analyses: Data set -> content of its analysis.json.
        answers: Data set -> what its own page answers.
    """
    own = [place for place, one in enumerate(content['contrasts']) if one['endpoint'] == primary(content)]
    parts = [f'# {plain(content["title"])}']
    parts += ['\n'.join(f'- **{plain(text)}**' for text in content['alerts'])] if content['alerts'] else []
    parts += [plain(' '.join(content['statements'][place]['headline'] for place in own)) if own else
              plain(unplanned(content))]
    if own:
        parts += [_contrasts(content), '\n'.join(f'- {plain(content["statements"][place]["text"])}' for place in own)]
    parts += ['## Means and ranks', _ranking(content), '## The data sets']
    parts += ['\n'.join(f'- **{plain(cut(one["name"], 60))}**, {_size(one)}: {plain(answers[one["name"]])} '
                        f'(`{one["folder"]}/report/index.html`)'
                        + ''.join(f' **Warning:** {plain(text)}' for text in one['alerts'])
                        for one in content['data_sets'])]
    parts += ['\n'.join(f'- {plain(note)}' for note in content['notes'])] if content['notes'] else []
    parts += [f'Analysis: {plain(described(content["program"]["analysis"]))}.', '## Methods',
              *map(plain, paragraphs(content, analyses))]
    return '\n\n'.join([*parts, f'The whole report: `index.html` beside this file; every number: `{FILE}`.']) + '\n'


def _contrasts(content: dict[str, Any]) -> str:
    random = content['kind'] == 'random'
    head = ['combined contrast', 'difference', 'p, adjusted', *(['in a new data set'] if random else []), 'better in',
            'verdict']
    rows = []
    for one in content['contrasts']:
        if one['endpoint'] != primary(content):
            continue
        look = of_differences(content, one['endpoint'])
        new = '–' if one['prediction_low'] is None else (
            f'[{look.text(one["prediction_low"])}, {look.text(one["prediction_high"])}]')
        first, second = (plain(cut(content['methods'][one[side]]['label'], 60)) for side in ('a', 'b'))
        rows.append([f'{first} − {second}, {plain(look.head)} {plain(look.difference)}'.rstrip(),
                     estimate(look, one, 'estimate'), plain(probability(one['p_adjusted'])), *([new] if random else []),
                     f'{one["counts"]["better"]} of {len(one["data_sets"])}',
                     f'{VERDICTS[one["verdict"]].symbol} {one["verdict"]}'])
    return markdown(head, rows)


def _ranking(content: dict[str, Any]) -> str:
    block, look = content['ranking'], of_means(content, primary(content))
    over = of_averages(content)
    head = ['method', plain(of_all(content, True)), 'mean rank', *(plain(cut(name, 40)) for name in names(content))]
    rows = [[plain(cut(content['methods'][name]['label'], 60)),
             estimate(over, content['means']['methods'][name], 'mean'),
             '{mean_rank:.2f} [{low:.2f}, {high:.2f}]'.format(**block['methods'][name]),
             *(f'{look.text(block["data_sets"][one]["means"][name])} ({block["data_sets"][one]["ranks"][name]:g})'
               for one in names(content))] for name in block['order']]
    unit = f' in {plain(look.unit)}' if look.unit else ''
    return (f'{markdown(head, rows)}\n\nMeans of {plain(look.head)}{unit}, in parentheses the rank in the data set. '
            f'{plain(of_all(content))}')
