"""The first screen as Markdown, for a terminal or a pull request."""

from __future__ import annotations

import re
from typing import Any

from benchmark.program import described
from benchmark.statistics.endpoints import TESTED
from benchmark.statistics.terms import SAID_WITHIN

from .answers import answered, answers, single_seed, weak_source
from .decodings import in_words
from .looks import overstated, planned_looks, standing
from .methods_text import paragraphs
from .numbers import Form, form, led, level, lookup, primary, probability, tested
from .page_text import cut
from .planned import shown_scopes
from .ties import letters, rests_on, said, tied
from .verdicts import VERDICTS

#: Tested endpoints of errors that the table has; of scores it has all.
COLUMNS = 3


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
    told = plain(' '.join([*sentences, *standing(analysis)]))
    parts += [told] if sentences else ['No contrast was planned, so nothing is tested.']
    parts += [_verdicts(analysis)] if sentences else []
    parts += [plain(ties)] if (ties := said(analysis, lambda name: cut(analysis['methods'][name]['label'], 40))) else []
    parts += [plain(weak)] if (weak := weak_source(analysis)) else []
    if partial := analysis.get('unbalanced'):
        parts.append('\n'.join(f'- {plain(item["text"])}' for item in partial['items']))
    parts += [_table1(analysis), *_success(analysis)]
    others = in_words(analysis, lambda name: cut(analysis['methods'][name]['label'], 60))
    parts += [plain(others)] if others else []
    parts += [f'{counts}; {analysis["counts"]["images"]} {"" if analysis.get("scores") else "test "}images.']
    if tuned := analysis.get('tuning'):
        parts.append(f'Every method had {tuned["tries"]} trials per seed, chosen on the validation split: '
                     f'{tuned["trainings"]} trainings.')
    parts += ['\n'.join(f'- {plain(note)}' for note in analysis['notes'])] if analysis['notes'] else []
    if made := analysis.get('program'):
        runs = '; '.join(described(one) for one in made['runs'])
        parts.append(plain((f'Runs: {runs}. ' if runs else '') + f'Analysis: {described(made["analysis"])}.'))
    parts += ['## Methods', *map(plain, paragraphs(analysis))]
    return '\n\n'.join([*parts, 'The whole report: `index.html` beside this file.']) + '\n'


def plain(text: str) -> str:
    """Text on one line that Markdown shows as it is."""
    return re.sub(r'([\\`*_\[\]<>#|~@&])', r'\\\1', ' '.join(text.split()))


def _verdicts(analysis: dict[str, Any]) -> str:
    pairs, look = answered(analysis), form(analysis, primary(analysis))
    single = single_seed(analysis, pairs)
    looked = planned_looks(analysis) is not None and not single
    rows = []
    for pair in pairs:
        scopes = [analysis['contrasts'][place] for place in (pair.procedure, pair.networks)]
        verdicts = [f'{VERDICTS[one["verdict"]].symbol} {one["verdict"]}' for one in scopes
                    if one['scope'] in shown_scopes(analysis)]
        more = [look.text(lookup(scopes[0], ('sequential', 'median_unbiased')) if overstated(scopes[0]) else None),
                plain(probability(scopes[0]['p_adjusted']))] if looked else []
        rows.append([f'{_label(analysis, pair.a)} − {_label(analysis, pair.b)}',
                     estimate(look, scopes[single], 'estimate'), *more, *verdicts])
    repeated = 'repeated ' if looked else ''
    head = ['planned contrast',
            f'{plain(look.head)} difference [{repeated}{level(analysis)} interval]'
            + (f', {plain(look.difference)}' if look.difference else ''),
            *(['median-unbiased', 'sequential p, adjusted'] if looked else []),
            *(SAID_WITHIN[scope] for scope in shown_scopes(analysis))]
    note = ('Verdicts on training procedures and sequential p hold over all looks and are adjusted for the number of '
            'contrasts (Holm); repeated intervals hold over all looks, each for its contrast. Verdicts on these '
            'trained models are not corrected for the looks.' if looked else
            'Verdicts are adjusted for the number of contrasts, intervals are not.')
    return f'{markdown(head, rows)}\n\n{note}'


def _table1(analysis: dict[str, Any]) -> str:
    forms = led(analysis, tested(analysis) if analysis.get('scores') else
                [*tested(analysis)[:COLUMNS], *(name for name in tested(analysis) if name not in TESTED)])
    first, grouped = forms[0], tied(analysis)
    rows = []
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        cells = [estimate(one, lookup(block, ('endpoints', one.endpoint)) or {}) for one in forms]
        spread = first.text(lookup(block, ('endpoints', first.endpoint, 'seed_sd')))
        group = [letters(analysis, method) or '–'] if grouped else []
        rows.append([_label(analysis, method), cells[0], *group, spread, *cells[1:],
                     f'{block["n_seeds"]} of {block["n_seeds_planned"]}'])
    heads = [plain(one.head) + (f', {plain(one.mark)}' if one.mark else '') for one in forms]
    times = 'repetition' if analysis.get('folds') else 'seed'
    table = markdown(['method', heads[0], *(['tie group'] if grouped else []), f'{times} SD', *heads[1:], f'{times}s'],
                      rows)
    return f'{table}\n\n{plain(note)}' if (note := rests_on(analysis)) else table


def _success(analysis: dict[str, Any]) -> list[str]:
    """Mean radial error and success detection rates, and each method against the inter-observer error."""
    block, observed = analysis.get('success'), analysis.get('annotators')
    parts = []
    if block:
        rows = [(_label(analysis, name), analysis['methods'][name]['endpoints'])
                for name in analysis['order']['methods']]
        rows += [('between annotators (no method)', observed['endpoints'])] if observed else []
        unit = plain(block['unit'])
        forms = [form(analysis, name) for name in (block['mean'], *block['endpoints'])]
        head = ['', f'MRE, {unit}', *(f'{one.head} {threshold:g} {unit}, {one.mark}'
                                      for one, threshold in zip(forms[1:], block['thresholds'], strict=True))]
        parts.append(markdown(head, [[label, *(estimate(one, ends.get(one.endpoint, {})) for one in forms)]
                                      for label, ends in rows]))
    if observed:
        parts.append('\n'.join(f'- {plain(item["text"])}' for item in observed['comparison']['items']))
    return parts


def estimate(look: Form, cell: dict[str, Any], key: str = 'mean') -> str:
    """'0.798 [0.702, 0.894]', or where all scores are 0 or 1 the bound."""
    text, bound, ends = look.estimate(cell, key)
    if bound is not None:
        return f'{text} ({bound})'
    return f'{text} [{ends[0]}, {ends[1]}]' if ends else text


def _label(analysis: dict[str, Any], method: str) -> str:
    return plain(cut(analysis['methods'][method]['label'], 60))


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ['---', *['---:'] * (len(head) - 1)], *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
