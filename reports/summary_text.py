"""The first screen as Markdown, for a terminal or a pull request."""

from __future__ import annotations

import re
from typing import Any

from benchmark.program import described

from .answers import SYMBOLS, answers, planned_pairs, single_seed
from .numbers import lead, look, lookup, written
from .page_text import cut

COLUMNS = ('ME', 'FR', 'AUC')


def summary(analysis: dict[str, Any]) -> str:
    """Question, answer, verdict per planned contrast, Table 1, and where the rest is."""
    runs = analysis['runs']
    counts = f'{runs["done"]} of {runs["planned"]} runs done'
    counts += f', {runs["failed"]} failed' if runs['failed'] else ''
    counts += f', {runs["missing"]} missing' if runs['missing'] else ''
    parts = [f'# {plain(analysis["title"])}']
    parts += [plain(analysis['question'])] if analysis['question'] else []
    parts += [f'**{plain(analysis["caution"])}**'] if analysis['caution'] else []
    if alerts := analysis.get('alerts'):
        parts.append('\n'.join(f'- **{plain(one["text"])}**' for one in alerts))
    sentences = answers(analysis, lambda name: cut(analysis['methods'][name]['label'], 40))
    parts += [plain(' '.join(sentences))] if sentences else ['No contrast was planned, so nothing is tested.']
    parts += [_verdicts(analysis)] if sentences else []
    parts += [_table1(analysis), *_success(analysis), f'{counts}; {analysis["counts"]["images"]} test images.']
    if tuned := analysis.get('tuning'):
        parts.append(f'Every method had {tuned["tries"]} trials per seed, chosen on the validation split: '
                     f'{tuned["trainings"]} trainings.')
    parts += ['\n'.join(f'- {plain(note)}' for note in analysis['notes'])] if analysis['notes'] else []
    if made := analysis.get('program'):
        runs = '; '.join(described(one) for one in made['runs'])
        parts.append(plain((f'Runs: {runs}. ' if runs else '') + f'Analysis: {described(made["analysis"])}.'))
    return '\n\n'.join([*parts, 'The whole report: `index.html` beside this file.']) + '\n'


def plain(text: str) -> str:
    """Text on one line that Markdown shows as it is."""
    return re.sub(r'([\\`*_\[\]<>#|~@&])', r'\\\1', ' '.join(text.split()))


def _verdicts(analysis: dict[str, Any]) -> str:
    pairs = planned_pairs(analysis)
    single = single_seed(analysis, pairs)
    rows = []
    for pair in pairs:
        scopes = [analysis['contrasts'][place] for place in (pair.procedure, pair.networks)]
        verdicts = [f'{SYMBOLS[one["verdict"]]} {one["verdict"]}' for one in scopes]
        rows.append([f'{_label(analysis, pair.a)} − {_label(analysis, pair.b)}',
                     _estimate(scopes[single], 'estimate', *look(analysis, 'ME')), *verdicts])
    level = f'{100 * (1 - analysis["alpha"]):g} %'
    head = ['planned contrast', f'ME difference [{level} interval], {plain(analysis["unit"])}',
            'as training procedures', 'for these trained models']
    return _markdown(head, rows) + '\n\nVerdicts are adjusted for the number of contrasts (Holm), intervals are not.'


def _table1(analysis: dict[str, Any]) -> str:
    first = lead(analysis)
    names = [first, *(name for name in COLUMNS if name in analysis['endpoints'] and name != first)]
    rows = []
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        cells = [_estimate(lookup(block, ('endpoints', name)) or {}, 'mean', *look(analysis, name)) for name in names]
        spread = written(lookup(block, ('endpoints', first, 'seed_sd')), *look(analysis, first))
        rows.append([_label(analysis, method), cells[0], spread, *cells[1:],
                     f'{block["n_seeds"]} of {block["n_seeds_planned"]}'])
    heads = {'ME': f'ME, {plain(analysis["unit"])}', 'ME_mm': 'ME, mm', 'NME': 'NME, %', 'FR': 'FR, %', 'AUC': 'AUC'}
    return _markdown(['method', heads[first], 'seed SD', *(heads[name] for name in names[1:]), 'seeds'], rows)


def _success(analysis: dict[str, Any]) -> list[str]:
    """Mean radial error and success detection rates, and each method against the inter-observer error."""
    block, observed = analysis.get('success'), analysis.get('annotators')
    parts = []
    if block:
        rows = [(_label(analysis, name), analysis['methods'][name]['endpoints'])
                for name in analysis['order']['methods']]
        rows += [('between annotators (no method)', observed['endpoints'])] if observed else []
        unit = plain(block['unit'])
        head = ['', f'MRE, {unit}', *(f'SDR {threshold:g} {unit}, %' for threshold in block['thresholds'])]
        parts.append(_markdown(head, [
            [label, _estimate(ends.get(block['mean'], {}), 'mean', *look(analysis, block['mean'])),
             *(_estimate(ends.get(name, {}), 'mean', *look(analysis, name)) for name in block['endpoints'])]
            for label, ends in rows]))
    if observed:
        parts.append('\n'.join(f'- {plain(item["text"])}' for item in observed['comparison']['items']))
    return parts


def _estimate(cell: dict[str, Any], mean: str, digits: int, scale: float) -> str:
    """'0.798 [0.702, 0.894]', or where all scores are 0 or 1 the bound."""
    text = written(cell.get(mean), digits, scale)
    if mean == 'mean' and cell.get('bound') is not None:
        share = written(cell['bound'], digits, scale)
        return f'{text} (at {"most" if cell[mean] == 0 else "least"} {share})'
    if cell.get('ci_low') is None:
        return text
    return f'{text} [{written(cell["ci_low"], digits, scale)}, {written(cell["ci_high"], digits, scale)}]'


def _label(analysis: dict[str, Any], method: str) -> str:
    return plain(cut(analysis['methods'][method]['label'], 60))


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ['---', *['---:'] * (len(head) - 1)], *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
