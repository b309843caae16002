"""Tables over several data sets: each as CSV, and as LaTeX what a paper shows."""

from __future__ import annotations

from functools import partial
from textwrap import wrap
from typing import Any

from ..latex import below, head_of, level_of, tex, two_lines
from ..latex import table as latex_table
from ..numbers import Form, primary, probability
from ..tables import Table, csv_text, flat, shown
from ..verdicts import BETTER_MARK, WORSE_MARK, dagger
from .numbers import names, of_averages, of_differences, of_means
from .text import of_all

#: More columns than this don't stand beside each other on a page.
WIDE = 6
#: A longer head of a column stands on two lines, in signs.
LONG = 16
#: Between the methods of a contrast; over a column a line ends there.
MINUS = ' $-$ '


def tables(content: dict[str, Any]) -> dict[str, str]:
    """File name -> text of each table that has rows.

    Args:
        content: Content of datasets.json.
    """
    files = {f'{name}.csv': csv_text(*found) for name, found in _lists(content).items() if found[1]}
    files['ranking.tex'] = ranking(content)
    if content['contrasts']:
        files |= {'contrasts.tex': contrasts(content), 'contrasts_data_sets.tex': each(content)}
    return files


def _lists(content: dict[str, Any]) -> dict[str, Table]:
    """Combined contrasts, each data set's own, those without each; ranks and means."""
    look, found = partial(of_differences, content), content['contrasts']
    differ = [one | {'heterogeneity': one['heterogeneity'] or {}} for one in found]
    key = [{name: one[name] for name in ('endpoint', 'a', 'b', 'scope')} for one in found]
    own = [{**keys, 'data_set': name, **one['data_sets'][name]} for keys, one in zip(key, found, strict=True)
           for name in names(content)]
    without = [{**keys, 'without': name, **one['without'][name]} for keys, one in zip(key, found, strict=True)
               if one['without'] for name in names(content)]
    order, methods = content['ranking']['order'], content['ranking']['methods']
    of_sets = content['ranking']['data_sets']
    return {
        'contrasts': flat(shown(differ, look), without=('data_sets', 'without')),
        'contrasts_data_sets': flat(shown(own, look)),
        'contrasts_without': flat(shown(without, look)),
        'ranking': flat([{'method': name, 'label': content['methods'][name]['label'],
                          'over_data_sets': content['means']['methods'][name], **methods[name]} for name in order]),
        'means': flat([{'data_set': data_set, 'endpoint': content['ranking']['endpoint'], 'method': name,
                        **{part: of_sets[data_set][f'{part}s'][name] for part in ('mean', 'rank')}}
                       for data_set in names(content) for name in order]),
    }


def contrasts(content: dict[str, Any]) -> str:
    """The combined contrasts: difference, interval, adjusted p, what a new data set is expected to show, verdict."""
    random, rows = content['kind'] == 'random', []
    for one in content['contrasts']:
        look = of_differences(content, one['endpoint'])
        new = [_ends(look, one['prediction_low'], one['prediction_high'])] if random else []
        rows.append([_pair(content, one), head_of(look), _difference(look, one), tex(probability(one['p_adjusted'])),
                     *new, f'{one["counts"]["better"]}', one['verdict'] + dagger(one['verdict'])])
    count = len(content['data_sets'])
    how = (f'Data sets are a random sample: the mean is weighted by $1 / (\\tau^2 + v)$ and tested by Hartung and '
           f'Knapp\'s rule with t on {count - 1} degrees of freedom; prediction: where the true difference of a new '
           'data set is expected.' if random else f'The mean is over these {count} data sets, unweighted, and holds '
           'for these alone.')
    over = ' of all endpoints' if content['family'] == 'all endpoints' else ''
    caption = (f'Planned contrasts combined over {count} data sets, first minus second{_relative(content)}. In '
               f'brackets: {level_of(content)} intervals, not adjusted; p adjusted over the planned contrasts{over} '
               f'(Holm). {how} '
               rf'Better in: data sets in which the first has the better mean. ${BETTER_MARK}$: superior; '
               rf'${WORSE_MARK}$: inferior. Inconclusive leaves open which is better.')
    heads = ['Contrast', 'endpoint', 'difference', 'p', *(['prediction'] if random else []), 'better in', 'verdict']
    return latex_table(caption, 'data-sets-contrasts', heads, rows, 'llrr' + ('r' if random else '') + 'rl')


def each(content: dict[str, Any]) -> str:
    """The planned contrasts by the primary endpoint in each data set, and over all; a column for each, or a row."""
    look = of_differences(content, primary(content))
    found = [one for one in content['contrasts'] if one['endpoint'] == look.endpoint]
    grid = [['Data set', *(_pair(content, one) for one in found)]]
    grid += [[tex(name), *(_difference(look, one['data_sets'][name]) for one in found)] for name in names(content)]
    grid.append([f'all {len(content["data_sets"])}', *(_difference(look, one) for one in found)])
    if content['kind'] == 'random':
        grid.append(['a new one', *(_ends(look, one['prediction_low'], one['prediction_high']) for one in found)])
    unit = f' in {tex(look.difference)}' if look.difference and not _relative(content) else ''
    caption = (f'Differences in {tex(look.head)}{unit}, first minus second{_relative(content)}, in each data set and '
               f'combined. In brackets: {level_of(content)} intervals, not adjusted'
               + ('; of a new one, the prediction interval.' if content['kind'] == 'random' else '.'))
    return _grid(caption, 'data-sets', grid)


def ranking(content: dict[str, Any]) -> str:
    """Means over the data sets and mean ranks with intervals, and means in each with ranks; the best one bold."""
    block, look, over = content['ranking'], of_means(content, primary(content)), of_averages(content)
    best = {name: min(own['ranks'].values()) for name, own in block['data_sets'].items()}
    grid = [['Method', tex(of_all(content, True)), 'mean rank', *map(tex, names(content))]]
    for method in block['order']:
        own = block['methods'][method]
        row = [tex(content['methods'][method]['label']),
               _difference(over, content['means']['methods'][method], 'mean'),
               below(f'{own["mean_rank"]:.2f}', (f'{own["low"]:.2f}', f'{own["high"]:.2f}'))]
        for name in names(content):
            rank, mean = (block['data_sets'][name][part][method] for part in ('ranks', 'means'))
            text = tex(look.text(mean))
            row.append((rf'\textbf{{{text}}}' if rank == best[name] else text) + f' ({rank:g})')
        grid.append(row)
    unit = f' in {tex(look.unit)}' if look.unit else ''
    caption = (f'Mean {tex(look.head)}{unit} ({look.direction}) with ranks within the data set, and their mean over '
               f'data sets with its {level_of(content)} interval over {tex(", ".join(block["drawn"]))}. '
               f'{tex(of_all(content))} Bold: best observed mean of the data set.')
    return _grid(caption, 'data-sets-ranking', grid)


def _grid(caption: str, label: str, grid: list[list[str]]) -> str:
    """A table, on its side where it is wider than a page and less wide so."""
    if len(grid[0]) > max(WIDE, len(grid)):
        grid = [list(column) for column in zip(*grid, strict=True)]
        grid[0][0] = ''
    heads = [two_lines(f'{first} $-$', second) if sign else _folded(first)
             for first, sign, second in (cell.partition(MINUS) for cell in grid[0])]
    return latex_table(caption, label, heads, grid[1:])


def _folded(head: str) -> str:
    lines = wrap(head, LONG, break_long_words=False, break_on_hyphens=False)
    return two_lines(*lines) if len(lines) == 2 else head


def _pair(content: dict[str, Any], one: dict[str, Any]) -> str:
    first, second = (tex(content['methods'][one[side]]['label']) for side in ('a', 'b'))
    return f'{first}{MINUS}{second}'


def _difference(look: Form, cell: dict[str, Any], key: str = 'estimate') -> str:
    text, _, ends = look.estimate(cell, key)
    return below(tex(text), ends)


def _ends(look: Form, low: float | None, high: float | None) -> str:
    return tex(look.text(None)) if low is None else tex(f'[{look.text(low)}, {look.text(high)}]')


def _relative(content: dict[str, Any]) -> str:
    return r', relative to the second in \%' if content['combined'] == 'ratio' else ''
