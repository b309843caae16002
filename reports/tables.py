"""Every table as a CSV file, with full precision; :mod:`.latex` has the main ones for papers.

Shares (FR, AUC, NME) are fractions, as in analysis.json; the FR that the paper reports is in percent, as it prints it.
Contrasts also stand there as everything else shows them: ``shown``, ``shown_ci_low`` and ``shown_ci_high`` are rounded,
in ``shown_unit``, with the sign of first minus second. An empty cell is a number that can't be estimated or is absent.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from benchmark.statistics.endpoints import rounded

from .latex import latex_tables
from .numbers import Form, form, lookup, primary
from .ties import letters

Row = Sequence[Any]
#: Header and rows.
Table = tuple[Row, Sequence[Row]]
MOMENTS = ('mean', 'ci_low', 'ci_high', 'bound', 'seed_sd', 'image_sd')
#: Text that is a rounded number and no formula.
NUMBER = re.compile(r'-?\d+(\.\d+)?(e-?\d+)?')
REPORTED = ('ME', 'SD', 'FR', 'AUC')


def tables(analysis: dict[str, Any]) -> dict[str, str]:
    """File name -> text of each table that has rows."""
    found = {'table1': table1(analysis), 'conditions': conditions(analysis), 'per_seed': per_seed(analysis),
             'ced': error_distributions(analysis), 'learning_curve': learning_curve(analysis),
             'decodings': decodings(analysis)}
    found |= looks(analysis)
    found |= lists(analysis) | ranking(analysis) | landmarks(analysis) | subgroups(analysis) | success(analysis)
    files = {f'{name}.csv': csv_text(header, rows) for name, (header, rows) in found.items() if rows}
    return files | latex_tables(analysis)


def table1(analysis: dict[str, Any]) -> Table:
    """One row per method."""
    names, rows, reported = [*analysis['endpoints']], [], () if analysis.get('scores') else REPORTED
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        rows.append([
            method, block['label'], block['n_seeds'], block['n_seeds_planned'], block['n_images'],
            block.get('missing'), block.get('complete_case_ME'), analysis['unit'], analysis['threshold'],
            letters(analysis, method),
            *(lookup(block, ('endpoints', name, part)) for name in names for part in MOMENTS),
            *(lookup(block, ('reported', name)) for name in reported),
        ])  # fmt: skip
    header = ['method', 'label', 'n_seeds', 'n_seeds_planned', 'n_images', 'n_missing',
              f'complete_case_{primary(analysis)}', 'unit', 'threshold', 'tie_group']
    header += [name if part == 'mean' else f'{name}_{part}' for name in names for part in MOMENTS]
    return header + ['reported_' + ('FR_percent' if name == 'FR' else name) for name in reported], rows


def conditions(analysis: dict[str, Any]) -> Table:
    """One row per condition, method and endpoint."""
    rows = [
        (condition, block['value'], method, endpoint, *(cell[part] for part in (*MOMENTS, 'ci_scope')),
         cell['n_seeds'], one['n_seeds_planned'], cell['n_images'], cell['n_units'])
        for condition, block, method, one in _blocks(analysis) for endpoint, cell in one['endpoints'].items()
    ]  # fmt: skip
    return ('condition', 'value', 'method', 'endpoint', *MOMENTS, 'ci_scope', 'n_seeds', 'n_seeds_planned', 'n_images',
            'n_units'), rows


def per_seed(analysis: dict[str, Any]) -> Table:
    """One row per trained network and endpoint."""
    rows = [
        (condition, method, seed, endpoint, mean)
        for condition, _, method, one in _blocks(analysis) for endpoint, cell in one['endpoints'].items()
        for seed, mean in zip(one['seeds'], cell['per_seed'], strict=True)
    ]  # fmt: skip
    return ('condition', 'method', 'seed', 'endpoint', 'mean'), rows


def error_distributions(analysis: dict[str, Any]) -> Table:
    """One row per condition, method and error: the share of images with at most this error; annotators last."""
    rows = [
        (condition, method, *point)
        for condition in analysis['order']['conditions']
        for method, curve in analysis['conditions'][condition]['ced'].items()
        for point in zip(*(curve[part] for part in ('x', 'mean', 'low', 'high')), strict=True)
    ]
    if observed := analysis.get('annotators'):
        rows += [(analysis['main_condition'], 'between annotators', x, share, None, None)
                 for x, share in zip(observed['ced']['x'], observed['ced']['mean'], strict=True)]
    return ('condition', 'method', 'error', 'mean', 'lowest_seed', 'highest_seed'), rows


def learning_curve(analysis: dict[str, Any]) -> Table:
    """One row per value of the condition and method."""
    curve = analysis['learning_curve'] or {'endpoint': primary(analysis), 'x': [], 'methods': {}}
    parts = ('mean', 'seed_sd', 'ci_low', 'ci_high')
    rows = [
        (curve['conditions'][place], value, method, *(line[part][place] for part in (*parts, 'n_seeds')),
         curve['endpoint'])
        for place, value in enumerate(curve['x']) for method, line in curve['methods'].items()
    ]  # fmt: skip
    return ('condition', 'value', 'method', *parts, 'n_seeds', 'endpoint'), rows


def decodings(analysis: dict[str, Any]) -> Table:
    """One row per method, decoding of the same heatmaps, and endpoint, under the main condition."""
    block = analysis.get('decodings') or {'names': [], 'endpoints': [], 'methods': {}}
    rows = [
        (method, name, name == one['used'], endpoint, one['means'][name][endpoint], one['n_seeds'])
        for method, one in block['methods'].items() for name in block['names'] if name in one['means']
        for endpoint in block['endpoints']
    ]  # fmt: skip
    return ('method', 'decoding', 'used', 'endpoint', 'mean', 'n_seeds'), rows


def looks(analysis: dict[str, Any]) -> dict[str, Table]:
    """Each planned contrast at each look, the seeds of each method then, and the planned looks."""
    block = analysis.get('sequential') or {'looks': [], 'schedule': []}
    contrasts = [{'look': look['number'], **one} for look in block['looks'] for one in look['contrasts']]
    seeds = [(look['number'], method, count) for look in block['looks'] for method, count in look['seeds'].items()]
    return {'looks': flat(contrasts), 'looks_seeds': (('look', 'method', 'n_seeds'), seeds if len(block['looks']) > 1
                                                       or block['schedule'] else []),
            'looks_planned': flat(block['schedule'])}


def lists(analysis: dict[str, Any]) -> dict[str, Table]:
    """The lists of analysis.json, a row per entry; what is nested gets a column for each of its values."""
    sensitivity = [
        {'a': item['a'], 'b': item['b'], **row} for item in analysis['sensitivity'] for row in item['rows']
    ]
    grid = [
        {**{key: item[key] for key in ('endpoint', 'a', 'b')}, **row}
        for item in analysis['planning'] for row in item['grid']
    ]  # fmt: skip
    components = [
        {'endpoint': endpoint, 'of': 'method', 'a': method, 'b': None, 'method_by_image': None, **parts}
        for endpoint, block in analysis['variance_components'].items() for method, parts in block['methods'].items()
    ]  # fmt: skip
    for endpoint, block in analysis['variance_components'].items():
        components.append({'endpoint': endpoint, 'of': 'overall', 'a': None, 'b': None, **block['overall']})
        components += [{'endpoint': endpoint, 'of': 'share of a contrast', **one} for one in block['contrasts']]
    averaged = analysis.get('averaging') or {'methods': {}, 'contrasts': []}
    return {
        'averaging': flat([{'method': name, **one} for name, one in averaged['methods'].items()]),
        'averaging_contrasts': flat(averaged['contrasts']),
        'contrasts': flat(shown(analysis['contrasts'], partial(form, analysis))),
        'effects': flat(analysis['effects']),
        'variance_components': flat(components),
        'planning': flat(analysis['planning'], without=('grid',)),
        'planning_grid': flat(grid),
        'sensitivity': flat(sensitivity),
        'agreement': flat((analysis['agreement'] or {}).get('items', []), without=('points',)),
        'agreement_contrasts': flat((analysis['agreement'] or {}).get('contrasts', [])),
        'agreement_annotators': flat((analysis['agreement'] or {}).get('annotators', [])),
        **_classes(analysis.get('classes') or {}),
        'unbalanced': flat((analysis.get('unbalanced') or {}).get('items', [])),
        'reported': flat((analysis['reported'] or {}).get('items', [])),
        'runs': flat(analysis['runs']['items']),
    }


def _classes(block: dict[str, Any]) -> dict[str, Table]:
    """Right classes, confusion, contrasts of both, and images whose class differs between methods."""
    cells = [(item, method, own) for item in block.get('items', []) for method, own in item['methods'].items()]
    return {
        'classes': flat([{'measurement': item['measurement'], 'method': method, **own} for item, method, own in cells],
                        without=('confusion',)),
        'class_confusion': (('measurement', 'method', 'annotated', 'predicted', 'images'),
                            [(item['measurement'], method, one, other, own['confusion'][row][column])
                             for item, method, own in cells for row, one in enumerate(item['names'])
                             for column, other in enumerate(item['names'])]),
        'class_annotators': flat([{'measurement': item['measurement'], **one} for item in block.get('items', [])
                                  for one in item['annotators']]),
        'class_contrasts': flat(block.get('contrasts', [])),
        'class_flips': (('measurement', 'a', 'b', 'image', 'annotated', 'class_a', 'class_b'),
                        [(flip['measurement'], flip['a'], flip['b'], *(one[key] for key in (
                            'image', 'annotated', 'a', 'b'))) for flip in block.get('flips', [])
                         for one in flip['images']]),
    }  # fmt: skip


def ranking(analysis: dict[str, Any]) -> dict[str, Table]:
    """Rank intervals by what is drawn, rank distributions, schemes, and Nemenyi's pairs."""
    block = analysis['ranking']
    drawn = [(kind, method, cell) for kind, own in block['drawn'].items() for method, cell in own['methods'].items()]
    parts = ('p_best', 'rank_low', 'median', 'rank_high')
    schemes = (block['schemes'] or {}).get('items', {})
    return {
        'ranking': (('drawn', 'method', 'rank', *parts),
                    [(kind, method, block['ranks'].get(method), *(cell[part] for part in parts))
                     for kind, method, cell in drawn]),
        'ranking_distribution': (('drawn', 'method', 'rank', 'share'),
                                 [(kind, method, *point) for kind, method, cell in drawn
                                  for point in cell['distribution']]),
        'ranking_schemes': (('scheme', 'method', 'rank', 'tau_with_mean'),
                            [(name, method, rank, item['tau_with_mean']) for name, item in schemes.items()
                             for method, rank in item['ranks'].items()]),
        'nemenyi': flat((block['friedman'] or {}).get('nemenyi', [])),
    }  # fmt: skip


def landmarks(analysis: dict[str, Any]) -> dict[str, Table]:
    """Means per landmark and method, and the contrasts per landmark."""
    block = analysis['landmarks'] or {'names': [], 'methods': {}, 'contrasts': []}
    means = [
        {'landmark': name, 'method': method, 'n_images': block['n_images'].get(name), **cells[name]}
        for name in block['names'] for method, cells in block['methods'].items() if name in cells
    ]  # fmt: skip
    return {'landmarks': flat(means), 'landmark_contrasts': flat(block['contrasts'])}


def success(analysis: dict[str, Any]) -> dict[str, Table]:
    """Mean radial error and success detection rates per method and between annotators; what is compared with what."""
    block, observed = analysis.get('success'), analysis.get('annotators')
    tables = {'success_contrasts': flat(shown((block or {}).get('contrasts', []), partial(form, analysis))),
              'annotators': flat((observed or {}).get('comparison', {}).get('items', [])),
              'annotators_landmarks': flat([{'landmark': name, **cell}
                                            for name, cell in (observed or {}).get('landmarks', {}).items()])}
    if not block:
        return tables
    rows = [{'kind': 'method', 'name': name, 'ends': analysis['methods'][name]['endpoints'], **one}
            for name, one in block['methods'].items()]
    if observed:
        rows.append({'kind': 'annotators', 'name': ' '.join(observed['pairs']), 'ends': observed['endpoints'],
                     'error_sd': observed['error_sd']})
    parts = ('mean', 'ci_low', 'ci_high', 'bound')
    header = ['kind', 'name', 'unit', 'MRE', 'MRE_ci_low', 'MRE_ci_high', 'error_sd']
    header += [name if part == 'mean' else f'{name}_{part}' for name in block['endpoints'] for part in parts]
    return {**tables, 'success': (header, [
        [row['kind'], row['name'], block['unit'], *(lookup(row['ends'], (block['mean'], part)) for part in parts[:3]),
         row['error_sd'], *(lookup(row['ends'], (name, part)) for name in block['endpoints'] for part in parts)]
        for row in rows])}


def subgroups(analysis: dict[str, Any]) -> dict[str, Table]:
    """Means per stratum and method; differences per stratum, and interactions."""
    means = [
        (group['column'], group['endpoint'], stratum['name'], stratum['n_units'], method, mean)
        for group in analysis['subgroups'] for stratum in group['strata'] for method, mean in stratum['means'].items()
    ]  # fmt: skip
    found = [
        {'column': group['column'], 'endpoint': group['endpoint'], 'kind': kind, 'p_adjusted': None, **one}
        for group in analysis['subgroups']
        for kind, ones in (('difference', group['contrasts']), ('interaction', group['interactions'])) for one in ones
    ]  # fmt: skip
    return {'subgroups': (('column', 'endpoint', 'stratum', 'n_units', 'method', 'mean'), means),
            'subgroup_contrasts': flat(found)}


def shown(contrasts: Sequence[dict[str, Any]], form_of: Callable[[str], Form]) -> list[dict[str, Any]]:
    """Contrasts with difference and interval as page, sentences and LaTeX write them; each with its ``endpoint``."""
    found = []
    for one in contrasts:
        look = form_of(one['endpoint'])
        texts = {name: None if one[key] is None else rounded(one[key], look.digits, look.factor, look.fixed)
                 for name, key in (('shown', 'estimate'), ('shown_ci_low', 'ci_low'), ('shown_ci_high', 'ci_high'))}
        found.append({**one, **texts, 'shown_unit': look.difference})
    return found


def _blocks(analysis: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any], str, dict[str, Any]]]:
    """Conditions and methods with their blocks, as ordered."""
    for condition in analysis['order']['conditions']:
        block = analysis['conditions'][condition]
        for method in analysis['order']['methods']:
            yield condition, block, method, block['methods'][method]


def flat(items: Sequence[dict[str, Any]], without: tuple[str, ...] = ()) -> Table:
    """Header and rows of a list of mappings; the header has every key that any of them has."""
    rows = [dict(_leaves(item, without)) for item in items]
    header = [*dict.fromkeys(key for item in rows for key in item)]
    return header, [[item.get(key) for key in header] for item in rows]


def _leaves(item: dict[str, Any], without: tuple[str, ...], before: str = '') -> Iterable[tuple[str, Any]]:
    for key, content in item.items():
        if key in without:
            continue
        if isinstance(content, dict):
            yield from _leaves(content, (), f'{before}{key}_')
        else:
            yield before + key, content


def csv_text(header: Row, rows: Iterable[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(header)
    writer.writerows([_cell(content) for content in row] for row in rows)
    return stream.getvalue()


def _cell(content: Any) -> str:
    """A value as text: numbers in full, lists with semicolons; text never starts like a spreadsheet's formula."""
    if content is None:
        return ''
    if isinstance(content, bool):
        return str(content).lower()
    if isinstance(content, (int, float)):
        return repr(content)
    if isinstance(content, (list, tuple)):
        return ';'.join(map(_cell, content))
    text = str(content)
    return f"'{text}" if text[:1] in ('=', '+', '-', '@', '\t', '\r') and not NUMBER.fullmatch(text) else text
