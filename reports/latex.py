"""The main tables as LaTeX with booktabs: best in bold, a dagger for what the test says, a note that explains both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .answers import PROCEDURE
from .numbers import lead, look, lookup, probability, written
from .units import across

ESCAPES = str.maketrans({
    '\\': r'\textbackslash{}', '{': r'\{', '}': r'\}', '$': r'\$', '&': r'\&', '#': r'\#', '_': r'\_', '%': r'\%',
    '~': r'\textasciitilde{}', '^': r'\textasciicircum{}', '\n': ' ', '\r': ' ', '<': r'\textless{}',
    '>': r'\textgreater{}',
    '|': r'\textbar{}', '\u2212': '$-$', '–': '--',
})  # fmt: skip
#: Endpoint -> heading.
COLUMNS = {'ME': 'ME', 'FR': r'FR [\%]', 'AUC': 'AUC', 'NME': r'NME [\%]'}
BETTER, WORSE = ('superior', 'superior and relevant'), ('inferior', 'inferior and relevant')


def latex_tables(analysis: dict[str, Any]) -> dict[str, str]:
    """File name -> text; each needs ``\\usepackage{booktabs}``."""
    found = {'table1.tex': table1(analysis)}
    if any(one['family'] == 'planned' for one in analysis['contrasts']):
        found['contrasts.tex'] = contrasts(analysis)
    if len(analysis['order']['conditions']) > 1:
        found['conditions.tex'] = conditions(analysis)
    if analysis['landmarks']:
        found['landmarks.tex'] = landmarks(analysis)
    if analysis.get('success'):
        found['success.tex'] = success(analysis)
    return found


def table1(analysis: dict[str, Any]) -> str:
    """Means with intervals, seed SD and image SD."""
    first = lead(analysis)
    names = [first, *(name for name in COLUMNS if name in analysis['endpoints'] and name != first)]
    best = {name: _best(analysis, analysis['methods'], name) for name in names}
    marks, note = _marks(analysis)
    rows = []
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        cells = [_estimate(block, name, method in best[name], look(analysis, name), marks.get((method, name), ''))
                 for name in names]
        spread = [_number(lookup(block, ('endpoints', first, part)), *look(analysis, first))
                  for part in ('seed_sd', 'image_sd')]
        rows.append([tex(block['label']), cells[0], *spread, *cells[1:],
                     f'{block["n_seeds"]} of {block["n_seeds_planned"]}'])
    heads = [COLUMNS.get(name, 'ME [mm]') for name in names]
    unit = tex(analysis['unit']) + (' where not in mm' if first == 'ME_mm' else '')
    caption = (f'{tex(analysis["title"])}. ME in {unit}, failure threshold {analysis["threshold"]:g}. In brackets: '
               f'{_level(analysis)} intervals over seeds and {analysis["unit_of_analysis"]}s. Seed SD: over seeds; '
               f'image SD: over images, of seed averages. Bold: best observed mean.{note}')
    return _table(caption, 'table1', ['Method', heads[0], 'seed SD', 'image SD', *heads[1:], 'seeds'], rows)


def contrasts(analysis: dict[str, Any]) -> str:
    """The planned contrasts: difference, interval, adjusted p and verdict in both scopes."""
    places: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for one in analysis['contrasts']:
        if one['family'] == 'planned' and one['endpoint'] in COLUMNS:
            places.setdefault((one['a'], one['b'], one['endpoint']), {})[one['scope']] = one
    label = {name: tex(block['label']) for name, block in analysis['methods'].items()}
    rows = []
    for (a, b, endpoint), scopes in places.items():
        head, (digits, scale) = COLUMNS[endpoint], look(analysis, endpoint)
        cells = []
        for scope in scopes.values():
            ends = [_number(scope[end], digits, scale) for end in ('ci_low', 'ci_high')]
            cells += [_interval(*ends) if scope['ci_low'] is not None else '--',
                      tex(probability(scope['p_adjusted'])), _verdict(scope['verdict'])]
        first = next(iter(scopes.values()))
        rows.append([f'{label[a]} $-$ {label[b]}', head, _number(first['estimate'], digits, scale), *cells])
    caption = (f'Planned contrasts, first minus second; FR in percentage points. {_level(analysis)} intervals, not '
               'adjusted; p adjusted by Holm. Procedure: seeds and images random; networks: the trained networks, '
               r'images random. $\dagger$: superior; $\ddagger$: inferior. Inconclusive leaves open which is better.')
    heads = ['Contrast', 'endpoint', 'difference', 'procedure', 'p', 'verdict', 'networks', 'p', 'verdict']
    return _table(caption, 'contrasts', heads, rows, 'llr' + 'rrl' * 2)


def conditions(analysis: dict[str, Any]) -> str:
    """ME with its seed SD under each condition; in one unit where inputs differ."""
    axis = across(analysis)
    names = [name for name in analysis['order']['conditions'] if analysis['conditions'][name]['n_images']]
    blocks = {name: analysis['conditions'][name]['methods'] for name in names}
    best = {name: _best(analysis, blocks[name], axis.endpoint) for name in names}
    rows = []
    for method in analysis['order']['methods']:
        cells = [analysis['methods'][method]['label'].translate(ESCAPES)]
        for name in names:
            cell = blocks[name][method]['endpoints'].get(axis.endpoint)
            text = '--' if cell is None else _number(cell['mean'], axis.digits, axis.factor)
            text = rf'\textbf{{{text}}}' if method in best[name] else text
            spread = cell and cell['seed_sd'] is not None and _number(cell['seed_sd'], axis.digits, axis.factor)
            cells.append(text + (f' ({spread})' if spread else ''))
        rows.append(cells)
    caption = (f'{axis.title} in {tex(axis.unit)} under each condition, in parentheses its SD over seeds. Bold: best '
               'observed mean.')
    heads = ['Method', *(tex(analysis['conditions'][name]['label']) for name in names)]
    return _table(caption, 'conditions', heads, rows)


def landmarks(analysis: dict[str, Any]) -> str:
    """Mean error per landmark and method."""
    block = analysis['landmarks']
    methods = [name for name in analysis['order']['methods'] if name in block['methods']]
    labels = [tex(analysis['methods'][method]['label']) for method in methods]
    grid = [['Landmark', *labels]] + [
        [tex(name), *(_number(lookup(block['methods'][method], (name, 'mean')), 3) for method in methods)]
        for name in block['names']
    ]
    if len(methods) > max(10, len(block['names'])):  # more than a page is wide
        grid = [list(column) for column in zip(*grid)]
        grid[0][0] = 'Method'
    caption = f'Mean error per landmark in {tex(analysis["unit"])}, over images and seeds. Exploratory.'
    return _table(caption, 'landmarks', grid[0], grid[1:])


def success(analysis: dict[str, Any]) -> str:
    """Mean radial error with its SD, and success detection rates; between annotators last."""
    block, observed = analysis['success'], analysis.get('annotators')
    names = [block['mean'], *block['endpoints']]
    best = {name: _best(analysis, analysis['methods'], name) for name in names}
    shown = [(tex(analysis['methods'][name]['label']), name, analysis['methods'][name], block['methods'][name])
             for name in analysis['order']['methods'] if name in block['methods']]
    if observed:
        shown.append((r'\midrule between annotators', None, observed, observed))
    rows = []
    for label, name, ends, spread in shown:
        cells = [_estimate(ends, end, name in best[end], look(analysis, end)) for end in names]
        rows.append([label, cells[0], _number(spread['error_sd'], 3), *cells[1:]])
    unit = tex(block['unit'])
    note = ' Between annotators: the distance between two annotations of a landmark.' if observed else ''
    caption = (f'{tex(analysis["title"])}. MRE: mean radial error in {unit}; SD: over landmarks and images. SDR: share '
               f'of landmarks found to within the threshold, in percent. In brackets: {_level(analysis)} intervals '
               f'over seeds and {analysis["unit_of_analysis"]}s. Bold: best observed mean.{note}')
    heads = ['Method', 'MRE', 'SD', *(rf'SDR {threshold:g}\,{unit}' for threshold in block['thresholds'])]
    return _table(caption, 'success', heads, rows)


def tex(text: str) -> str:
    """Text with LaTeX's own characters escaped."""
    return text.translate(ESCAPES)


def _estimate(block: dict[str, Any], name: str, best: bool, shown: tuple[int, float], mark: str = '') -> str:
    """'0.798 [0.702, 0.894]', or where all scores are 0 or 1 the bound; shown: decimals and factor."""
    cell = lookup(block, ('endpoints', name))
    if cell is None:
        return '--'
    digits, scale = shown
    mean = _number(cell['mean'], digits, scale)
    mean = (rf'\textbf{{{mean}}}' if best else mean) + mark
    if cell['bound'] is not None:
        unit = r'\,\%' if scale == 100 else ''
        return f'{mean} (at {"most" if cell["mean"] == 0 else "least"} {_number(cell["bound"], digits, scale)}{unit})'
    if cell['ci_low'] is None:
        return mean
    return f'{mean} {_interval(*(_number(cell[end], digits, scale) for end in ("ci_low", "ci_high")))}'


def _interval(low: str, high: str) -> str:
    return rf'{{\scriptsize [{low}, {high}]}}'


def _marks(analysis: dict[str, Any]) -> tuple[dict[tuple[str, str], str], str]:
    """(method, endpoint) -> dagger, and the note that says what daggers mean.

    With a proposed method the mark stands at the method that it is compared with, else at the method that is compared
    with the reference.
    """
    proposed, reference = analysis['proposed'], analysis['reference']
    marks = {}
    for one in analysis['contrasts']:
        if one['family'] == 'planned' and one['scope'] == PROCEDURE and one['verdict'] in BETTER + WORSE:
            method = one['b'] if one['a'] == proposed else one['a']
            marks[method, one['endpoint']] = r'$^\dagger$' if one['verdict'] in BETTER else r'$^\ddagger$'
    if not marks:
        return {}, ''
    name = tex(analysis['methods'][proposed or reference]['label'])
    claim = ((f'{name} is superior to this method', f'{name} is inferior to it') if proposed
             else (f'superior to {name}', f'inferior to {name}'))
    return marks, (rf' $\dagger$: {claim[0]}, $\ddagger$: {claim[1]}, as training procedures (crossed analysis of '
                   f'seeds and {analysis["unit_of_analysis"]}s, Holm, level {analysis["alpha"]:g}).')


def _verdict(verdict: str) -> str:
    return verdict + (r'$^\dagger$' if verdict in BETTER else r'$^\ddagger$' if verdict in WORSE else '')


def _best(analysis: dict[str, Any], blocks: dict[str, Any], endpoint: str) -> list[str]:
    """The methods with the best mean; none where all are the same."""
    means = {name: block['endpoints'][endpoint]['mean'] for name, block in blocks.items()
             if endpoint in block['endpoints']}
    if len(set(means.values())) < 2:
        return []
    extreme = (min if analysis['endpoints'][endpoint]['better'] == 'lower' else max)(means.values())
    return [name for name, mean in means.items() if mean == extreme]


def _number(value: float | None, digits: int, scale: float = 1) -> str:
    return tex(written(value, digits, scale))


def _level(analysis: dict[str, Any]) -> str:
    return rf'{100 * (1 - analysis["alpha"]):g}\,\%'


def _braced(cell: str) -> str:
    """A cell that can't be read as an argument of the row's end or of the rule before it."""
    return f'{{{cell}}}' if cell.startswith(('[', '*')) else cell


def _table(caption: str, label: str, heads: Sequence[str], rows: Sequence[Sequence[str]], columns: str = '') -> str:
    def line(cells: Sequence[str]) -> str:
        return ' & '.join(map(_braced, cells)) + r' \\'

    lines = [
        '% needs \\usepackage{booktabs}; scripts other than the Latin one need LuaLaTeX or XeLaTeX',
        r'\begin{table}', r'\centering', r'\footnotesize', r'\setlength{\tabcolsep}{3pt}',
        rf'\caption{{{caption}}}', rf'\label{{tab:{label}}}',
        rf'\begin{{tabular}}{{{columns or "l" + "r" * (len(heads) - 1)}}}', r'\toprule', line(heads),
        r'\midrule', *map(line, rows), r'\bottomrule', r'\end{tabular}', r'\end{table}', '',
    ]  # fmt: skip
    return '\n'.join(lines)
