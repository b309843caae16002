"""Table 1 as CSV (full precision) and as LaTeX (booktabs)."""

from __future__ import annotations

import csv
import io
from typing import Any

from .numbers import lookup, written

ENDPOINTS = ('ME', 'ME_printed', 'NME', 'FR', 'AUC')
REPORTED = ('ME', 'SD', 'FR', 'AUC')
TEX = str.maketrans(
    {
        '\\': r'\textbackslash{}',
        '{': r'\{',
        '}': r'\}',
        '$': r'\$',
        '&': r'\&',
        '#': r'\#',
        '_': r'\_',
        '%': r'\%',
        '~': r'\textasciitilde{}',
        '^': r'\textasciicircum{}',
        '\n': ' ',
        '\r': ' ',
        '<': r'\textless{}',
        '>': r'\textgreater{}',
    }
)


def tables(analysis: dict[str, Any]) -> dict[str, str]:
    """File name -> text of each table."""
    return {'table1.csv': table_csv(analysis), 'table1.tex': table_tex(analysis)}


def table_csv(analysis: dict[str, Any]) -> str:
    """One row per method; shares (FR, AUC, NME) are fractions, reported FR is in percent as in the paper."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    statistics = ('mean', 'seed_sd', 'image_sd')
    writer.writerow(
        ['method', 'label', 'n_seeds', 'n_seeds_planned', 'n_images', 'unit', 'threshold']
        + [name if part == 'mean' else f'{name}_{part}' for name in ENDPOINTS for part in statistics]
        + ['reported_' + ('FR_percent' if name == 'FR' else name) for name in REPORTED]
    )
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        values = [lookup(block, ('endpoints', name, part)) for name in ENDPOINTS for part in statistics]
        values += [lookup(block, ('reported', name)) for name in REPORTED]
        writer.writerow(
            [
                method,
                block['label'],
                block['n_seeds'],
                block['n_seeds_planned'],
                block['n_images'],
                analysis['unit'],
                repr(analysis['threshold']),
            ]
            + ['' if value is None else repr(value) for value in values]
        )
    return stream.getvalue()


def table_tex(analysis: dict[str, Any]) -> str:
    """A booktabs table with its caption; needs \\usepackage{booktabs}."""
    columns = [
        ('ME', 'ME', 'mean', 3, 1),
        ('seed SD', 'ME', 'seed_sd', 3, 1),
        ('image SD', 'ME', 'image_sd', 3, 1),
        ('ME printed', 'ME_printed', 'mean', 3, 1),
        (r'NME [\%]', 'NME', 'mean', 2, 100),
        (r'FR [\%]', 'FR', 'mean', 2, 100),
        ('AUC', 'AUC', 'mean', 3, 1),
    ]
    unit = analysis['unit'].translate(TEX)
    lines = [
        r'\begin{table}',
        r'\centering',
        r'\caption{'
        + analysis['title'].translate(TEX)
        + f'. ME in {unit}, $t = {analysis["threshold"]:g}$; seed SD: over '
        'seeds; image SD: over images, of seed averages. Differences are descriptive.}',
        r'\begin{tabular}{l' + 'r' * (len(columns) + 1) + '}',
        r'\toprule',
        'Method & ' + ' & '.join(column[0] for column in columns) + r' & seeds \\',
        r'\midrule',
    ]
    for method in analysis['order']['methods']:
        block = analysis['methods'][method]
        cells = [
            written(lookup(block, ('endpoints', name, part)), digits, scale)
            .replace('–', '--')
            .replace('\u2212', '$-$')
            for _, name, part, digits, scale in columns
        ]
        lines.append(
            ' & '.join(
                [block['label'].translate(TEX), *cells, f'{block["n_seeds"]} of {block["n_seeds_planned"]}']
            )
            + r' \\'
        )
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}', r'\end{table}', ''])
