"""The main tables as LaTeX with booktabs: best in bold, a dagger for what the test says, a note that explains both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.statistics.endpoints import RATE_HEAD
from benchmark.statistics.terms import PROCEDURE

from .looks import looked_again, planned_looks, standing
from .numbers import Form, best, form, led, level, lookup, primary, probability, tested
from .planned import by_scope, other_of, pair_of, planned, planned_pairs, shown_scopes
from .ties import letters, rests_on, tied
from .units import across
from .verdicts import BETTER_MARK, WORSE_MARK, dagger

ESCAPES = str.maketrans({
    '\\': r'\textbackslash{}', '{': r'\{', '}': r'\}', '$': r'\$', '&': r'\&', '#': r'\#', '_': r'\_', '%': r'\%',
    '~': r'\textasciitilde{}', '^': r'\textasciicircum{}', '\n': ' ', '\r': ' ', '<': r'\textless{}',
    '>': r'\textgreater{}',
    '|': r'\textbar{}', '\u2212': '$-$', '–': '--',
})  # fmt: skip

#: What stands before a table.
NEEDS = ('% needs \\usepackage{booktabs}; with graphicx a table that is wider than the line is scaled to it;',
         '% scripts other than the Latin one need LuaLaTeX or XeLaTeX')
#: Two lines of a cell, such as a number and its interval: half as wide as beside each other.
BELOW = (r'\providecommand{\below}[3][r]{\begin{tabular}[t]{@{}#1@{}}#2\tabularnewline{#3}\rule[-4pt]{0pt}{0pt}'
         r'\end{tabular}}')
#: The table, as wide as it is or as the line.
FITTED = (r'\leavevmode\ifdim\wd2>\linewidth\ifdefined\resizebox\resizebox{\linewidth}{!}{\copy2}\else\copy2\fi'
          r'\else\copy2\fi')
#: Lines of rows that a page has room for, under a caption of several.
LINES = 44


def latex_tables(analysis: dict[str, Any]) -> dict[str, str]:
    """File name -> text; each says which packages it needs."""
    found = {'table1.tex': table1(analysis)}
    if any(planned(analysis)):
        found['contrasts.tex'] = contrasts(analysis)
    if standing(analysis):
        found['looks.tex'] = looks(analysis)
    if len(analysis['order']['conditions']) > 1:
        found['conditions.tex'] = conditions(analysis)
    if analysis['landmarks']:
        found['landmarks.tex'] = landmarks(analysis)
    if analysis.get('success'):
        found['success.tex'] = success(analysis)
    return found


def table1(analysis: dict[str, Any]) -> str:
    """Means with intervals, seed SD and image SD."""
    forms = led(analysis, tested(analysis))
    first, grouped = forms[0], tied(analysis)
    bold = {one.endpoint: best(analysis, analysis['methods'], one.endpoint) for one in forms}
    marks, note = _marks(analysis)
    rows = []
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        cells = [_estimate(block, one, method in bold[one.endpoint], marks.get((method, one.endpoint), ''))
                 for one in forms]
        spread = [tex(first.text(lookup(block, ('endpoints', first.endpoint, part))))
                  for part in ('seed_sd', 'image_sd')]
        group = [letters(analysis, method) or '--'] if grouped else []
        rows.append([tex(block['label']), cells[0], *group, *spread, *cells[1:],
                     f'{block["n_seeds"]} of {block["n_seeds_planned"]}'])
    heads = [head_of(one) for one in forms]
    unit = tex(analysis['unit']) + (f' where not in {tex(first.mark)}' if first.endpoint == 'ME_mm' else '')
    times, over = ('repetition', 'by the rule of the cross-validation, over') if analysis.get('folds') else (
        'seed', 'over seeds and')
    where = f' in {unit}' if unit else ''
    limit = '' if analysis['threshold'] is None else f', failure threshold {analysis["threshold"]:g}'
    own = form(analysis, primary(analysis))
    better = f', {own.direction}' if analysis.get('scores') else ''
    unit_of = analysis['unit_of_analysis']
    within = ' Scores are averaged within subjects first.' if unit_of == 'subject' else ''
    caption = (f'{tex(analysis["title"])}. {tex(own.head)}{where}{better}{limit}.{within} In brackets: '
               f'{level_of(analysis)} intervals {over} {unit_of}s. {times.capitalize()} SD: over '
               f'{times}s; {unit_of} SD: over {unit_of}s, of {times} averages. Bold: best observed mean.{note}'
               f'{_tied(analysis)}{_again(analysis)}')
    more = ['tie group'] if grouped else []
    spreads = [f'{times} SD', f'{unit_of} SD']
    return table(caption, 'table1', ['Method', heads[0], *more, *spreads, *heads[1:], f'{times}s'], rows)


def contrasts(analysis: dict[str, Any]) -> str:
    """The planned contrasts: difference, interval, adjusted p and verdict in both scopes."""
    places = by_scope(planned(analysis), lambda one: (one['a'], one['b'], one['endpoint']))
    label = {name: tex(block['label']) for name, block in analysis['methods'].items()}
    rows = []
    for (a, b, endpoint), scopes in places.items():
        look, cells = form(analysis, endpoint), []
        for place in (scopes[scope] for scope in shown_scopes(analysis) if scope in scopes):
            one = analysis['contrasts'][place]
            _, _, ends = look.estimate(one, 'estimate')
            cells += [below(one['verdict'] + dagger(one['verdict']), ends, 'l'), tex(probability(one['p_adjusted']))]
        first = analysis['contrasts'][next(iter(scopes.values()))]
        rows.append([f'{label[a]} $-$ {label[b]}', head_of(look), tex(look.text(first['estimate'])), *cells])
    about = f'Under verdicts: {level_of(analysis)} intervals, not adjusted; p adjusted over the family.'
    if planned_looks(analysis) is not None:
        about = ' '.join([*map(tex, standing(analysis)[:1]),
                          f'For the procedure intervals are repeated {level_of(analysis)} ones and p is sequential: '
                          'both hold over all looks; for the networks they are those of one look. p adjusted over the '
                          'family, intervals not.'])
    random = ('Procedure: seeds and images random, the seeds\' and the images\' part of the variance kept apart; '
              'networks: the trained networks, images random.')
    if folds := analysis.get('folds'):
        own = analysis['unit_of_analysis']
        random = (f'{folds["repetitions"]} x {folds["n_folds"]} cross-validation by {own}: t of the {own}s\' '
                  f'differences, their variance times {folds["factor"]:.2f} for training sets that overlap.')
    caption = (f'Planned contrasts, first minus second; FR in percentage points. {about} {random} '
               rf'${BETTER_MARK}$: superior; ${WORSE_MARK}$: inferior. Inconclusive leaves open which '
               f'is better.{_again(analysis)}')
    shown = shown_scopes(analysis)
    heads = ['Contrast', 'endpoint', 'difference', *(head for scope in shown for head in (scope, 'p'))]
    return table(caption, 'contrasts', heads, rows, 'llr' + 'lr' * len(shown))


def looks(analysis: dict[str, Any]) -> str:
    """The planned contrasts of a suite that stops itself: what was decided when, and what is left of the difference."""
    label = {name: tex(block['label']) for name, block in analysis['methods'].items()}
    primary, last, rows = analysis['sequential']['primary'], analysis['sequential']['looks'][-1], []
    then = {(one['endpoint'], one['a'], one['b']): one for one in last['contrasts']}
    for _, one in planned(analysis):
        if one['scope'] != PROCEDURE or one['endpoint'] not in primary or 'sequential' not in one:
            continue
        look, own = form(analysis, one['endpoint']), one['sequential']
        seen = then[one['endpoint'], one['a'], one['b']]
        _, _, ends = look.estimate(one, 'estimate')
        rest = [look.text(own[key]) for key in ('median_unbiased', 'median_low', 'median_high')]
        rows.append([
            f'{label[one["a"]]} $-$ {label[one["b"]]}', head_of(look), own['decision'],
            '--' if seen['settled_at'] is None else str(seen['settled_at']), ' and '.join(map(str, seen['n_seeds'])),
            below(tex(look.text(one['estimate'])), ends),
            below(tex(rest[0]), None if own['median_low'] is None else (rest[1], rest[2])),
            tex(probability(seen['p_sequential'])), tex(probability(seen['p_adjusted']))])
    caption = (f'{" ".join(map(tex, standing(analysis)))} Differences are first minus second, as observed at the look '
               f'that their decision rests on, else at the last one, over repeated {level_of(analysis)} intervals; '
               'median-unbiased estimates by stage-wise ordering. p: the smallest level at which a look has crossed; '
               'adj.: that, by Holm.')
    heads = ['Contrast', 'endpoint', 'decision', 'look', 'seeds', 'difference', 'median-unbiased', 'p', 'adj.']
    return table(caption, 'looks', heads, rows, 'lll' + 'r' * 6)


def _tied(analysis: dict[str, Any]) -> str:
    """What tie groups are and rest on, as a note; empty without them."""
    text = rests_on(analysis) if tied(analysis) else None
    return f' {tex(text)}' if text else ''


def _again(analysis: dict[str, Any]) -> str:
    """What looking without a plan costs, as a note; empty where nobody did."""
    text = looked_again(analysis)
    return f' {tex(text)}' if text else ''


def conditions(analysis: dict[str, Any]) -> str:
    """ME with its seed SD under each condition; in one unit where inputs differ."""
    axis = across(analysis)
    names = [name for name in analysis['order']['conditions'] if analysis['conditions'][name]['n_images']]
    blocks = {name: analysis['conditions'][name]['methods'] for name in names}
    bold = {name: best(analysis, blocks[name], axis.endpoint) for name in names}
    rows = []
    for method in analysis['order']['methods']:
        cells = [analysis['methods'][method]['label'].translate(ESCAPES)]
        for name in names:
            cell = blocks[name][method]['endpoints'].get(axis.endpoint)
            text = '--' if cell is None else tex(axis.text(cell['mean']))
            text = rf'\textbf{{{text}}}' if method in bold[name] else text
            spread = cell and cell['seed_sd'] is not None and tex(axis.text(cell['seed_sd']))
            cells.append(text + (f' ({spread})' if spread else ''))
        rows.append(cells)
    caption = (f'{axis.head} in {tex(axis.unit)} under each condition, in parentheses its SD over seeds. Bold: best '
               'observed mean.')
    heads = ['Method', *(tex(analysis['conditions'][name]['label']) for name in names)]
    return table(caption, 'conditions', heads, rows)


def landmarks(analysis: dict[str, Any]) -> str:
    """Mean error per landmark and method."""
    block = analysis['landmarks']
    methods = [name for name in analysis['order']['methods'] if name in block['methods']]
    labels, look = [tex(analysis['methods'][method]['label']) for method in methods], form(analysis, primary(analysis))
    grid = [['Landmark', *labels]] + [
        [tex(name), *(tex(look.text(lookup(block['methods'][method], (name, 'mean')))) for method in methods)]
        for name in block['names']
    ]
    if len(methods) > max(10, len(block['names'])):  # more than a page is wide
        grid = [list(column) for column in zip(*grid, strict=True)]
        grid[0][0] = 'Method'
    what = f'Mean {look.head}' if analysis.get('scores') else 'Mean error'
    where = f' in {tex(analysis["unit"])}' if analysis['unit'] else ''
    caption = f'{tex(what)} per landmark{where}, over images and seeds. Exploratory.'
    return table(caption, 'landmarks', grid[0], grid[1:])


def success(analysis: dict[str, Any]) -> str:
    """Mean radial error with its SD, and success detection rates; between annotators last."""
    block, observed = analysis['success'], analysis.get('annotators')
    forms = [form(analysis, name) for name in (block['mean'], *block['endpoints'])]
    bold = {one.endpoint: best(analysis, analysis['methods'], one.endpoint) for one in forms}
    shown = [(tex(analysis['methods'][name]['label']), name, analysis['methods'][name], block['methods'][name])
             for name in analysis['order']['methods'] if name in block['methods']]
    if observed:
        shown.append((r'\midrule between annotators', None, observed, observed))
    rows = []
    for label, name, ends, spread in shown:
        cells = [_estimate(ends, one, name in bold[one.endpoint]) for one in forms]
        rows.append([label, cells[0], tex(forms[0].text(spread['error_sd'])), *cells[1:]])
    unit = tex(block['unit'])
    note = ' Between annotators: the distance between two annotations of a landmark.' if observed else ''
    caption = (f'{tex(analysis["title"])}. MRE: mean radial error in {unit}; SD: over landmarks and images. SDR: share '
               f'of landmarks found to within the threshold, in percent. In brackets: {level_of(analysis)} intervals '
               f'over seeds and {analysis["unit_of_analysis"]}s. Bold: best observed mean.{note}')
    heads = ['Method', 'MRE', 'SD', *(rf'{RATE_HEAD} {threshold:g}\,{unit}' for threshold in block['thresholds'])]
    return table(caption, 'success', heads, rows)


def tex(text: str) -> str:
    """Text with LaTeX's own characters escaped."""
    return text.translate(ESCAPES)


def head_of(look: Form) -> str:
    """An endpoint over a column, with its unit where it is not that of the errors."""
    return tex(look.head) + (f' [{tex(look.mark)}]' if look.mark and not look.own else '')


def _estimate(block: dict[str, Any], look: Form, bold: bool, mark: str = '') -> str:
    """'0.798 [0.702, 0.894]', or where all scores are 0 or 1 the bound."""
    cell = lookup(block, ('endpoints', look.endpoint))
    if cell is None:
        return '--'
    mean, bound, ends = look.estimate(cell)
    text = (rf'\textbf{{{tex(mean)}}}' if bold else tex(mean)) + mark
    if bound is not None:
        return two_lines(text, rf'\scriptsize ({_thin(bound)})')
    return below(text, ends)


def below(text: str, ends: tuple[str, str] | None, side: str = 'r') -> str:
    """A cell with an interval under it, where there is one."""
    return text if ends is None else two_lines(text, rf'\scriptsize [{tex(ends[0])}, {tex(ends[1])}]', side)


def two_lines(first: str, second: str, side: str = 'r') -> str:
    """A cell of two lines, see :data:`BELOW`; side: l or r."""
    return rf'\below{"" if side == "r" else f"[{side}]"}{{{first}}}{{{second}}}'


def _marks(analysis: dict[str, Any]) -> tuple[dict[tuple[str, str], str], str]:
    """(method, endpoint) -> dagger, and the note that says what daggers mean.

    With a proposed method the mark stands at the method that it is compared with, else at the method that is compared
    with the reference. There is none where the planned pairs are not one method with others: it would not say which.
    """
    proposed, reference, pairs = analysis['proposed'], analysis['reference'], planned_pairs(analysis)
    if any(a != proposed for a, _ in pairs) if proposed else any(b != reference for _, b in pairs):
        return {}, ''
    marks = {}
    for _, one in planned(analysis):
        if one['scope'] == PROCEDURE and (mark := dagger(one['verdict'])):
            marks[other_of(analysis, pair_of(one)), one['endpoint']] = mark
    if not marks:
        return {}, ''
    name = tex(analysis['methods'][proposed or reference]['label'])
    claim = ((f'{name} is superior to this method', f'{name} is inferior to it') if proposed
             else (f'superior to {name}', f'inferior to {name}'))
    over = 'adjusted' if planned_looks(analysis) is None else 'over all looks, adjusted'
    return marks, (rf' ${BETTER_MARK}$: {claim[0]}, ${WORSE_MARK}$: {claim[1]}, as training procedures (crossed '
                   f'analysis of seeds and {analysis["unit_of_analysis"]}s in two parts, {over}, level '
                   f'{analysis["alpha"]:g}).')


def level_of(analysis: dict[str, Any]) -> str:
    return _thin(level(analysis))


def _thin(text: str) -> str:
    """Text with a thin space before a percent sign."""
    return tex(text).replace(r' \%', r'\,\%')


def _braced(cell: str) -> str:
    """A cell that can't be read as an argument of the row's end or of the rule before it."""
    return f'{{{cell}}}' if cell.startswith(('[', '*')) else cell


def table(caption: str, label: str, heads: Sequence[str], rows: Sequence[Sequence[str]], columns: str = '') -> str:
    """A table as wide as the line or narrower, and where it is longer than a page several."""
    columns = columns or 'l' + 'r' * (len(heads) - 1)
    parts = [part for number, some in enumerate(_pages(rows), 1) for part in _float(
        caption if number == 1 else rf'Continuation of Table~\ref{{tab:{label}}}.',
        label if number == 1 else f'{label}-{number}', heads, some, columns)]
    return '\n'.join([*NEEDS, BELOW, *parts, ''])


def _float(caption: str, label: str, heads: Sequence[str], rows: Sequence[Sequence[str]], columns: str) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return ' & '.join(map(_braced, cells)) + r' \\'

    return [
        r'\begin{table}', r'\centering', r'\footnotesize', r'\setlength{\tabcolsep}{3pt}',
        r'\setlength{\belowcaptionskip}{5pt}',
        rf'\caption{{{caption}}}', rf'\label{{tab:{label}}}',
        rf'\sbox2{{\begin{{tabular}}{{{columns}}}', r'\toprule', line(heads),
        r'\midrule', *map(line, rows), r'\bottomrule', r'\end{tabular}}%', FITTED, r'\end{table}',
    ]  # fmt: skip


def _pages(rows: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
    """The rows by what a page has room for; one with an interval takes two lines."""
    found: list[list[Sequence[str]]] = [[]]
    left = LINES
    for row in rows:
        lines = 2 if any(r'\below' in cell for cell in row) else 1
        if left < lines:
            found.append([])
            left = LINES
        found[-1].append(row)
        left -= lines
    return found
