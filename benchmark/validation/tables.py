"""Writes the rates as tables in Markdown."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmark.statistics.terms import DESIGNS, NESTED, NETWORKS, PROCEDURE

from .across_tables import across_power_table, across_table, prediction_table
from .few import DOUBTFUL
from .few_tables import above_table, family_table, price_table
from .folds_tables import folds_power_table, folds_table, information_table
from .looks_tables import looked_table, looks_table, outside_looks_table, saved_table, stopped_table
from .markdown import Rows, markdown_table, marked, short, span
from .model import ENDPOINTS, rare_threshold
from .plan import RARE, SEEDS, Effort
from .procedures import (
    AVERAGED,
    BOOTSTRAP,
    CROSSED,
    FLIP,
    MISDECLARED,
    ON_SEEDS,
    OTHERS,
    PAIRED_T,
    POOLED,
    STRATIFIED,
    WELCH,
    WILCOXON,
)


def crossed_table(every: Rows) -> str:
    """Crossed t: one line per design, errors, S, N; one column per endpoint and seed sd."""
    chosen = every.pick(study='type I', scope=PROCEDURE, test=CROSSED, seeds=SEEDS)
    sds = sorted(every.values('seed_sd', chosen))
    lines = []
    for design, errors, seeds, images in sorted(
            {(row['design'], row['errors'], row['seeds'], row['images']) for row in chosen}):
        here = Rows([row for row in chosen if (row['design'], row['errors'], row['seeds'], row['images'])
                     == (design, errors, seeds, images)])
        lines.append([design, errors, seeds, images,
                      *(marked(here.pick(endpoint=endpoint, seed_sd=sd)) for endpoint in ENDPOINTS for sd in sds)])
    return markdown_table(['design', 'errors', 'S', 'N',
                           *(f'{endpoint}, {sd:.2f}' for endpoint in ENDPOINTS for sd in sds)], lines)


def networks_table(every: Rows) -> str:
    """Paired t, Wilcoxon and sign flips: one line per errors, S, N."""
    chosen = Rows(every.pick(study='type I', scope=NETWORKS, test=(PAIRED_T, WILCOXON, FLIP), seeds=SEEDS))
    columns = [(test, endpoint) for test in (PAIRED_T, WILCOXON, FLIP) for endpoint in ENDPOINTS
               if (test, endpoint) != (WILCOXON, 'FR')]
    lines = []
    for errors, seeds, images in sorted({(row['errors'], row['seeds'], row['images']) for row in chosen.rows}):
        here = Rows(chosen.pick(errors=errors, seeds=seeds, images=images))
        found = (here.pick(test=test, endpoint=endpoint) for test, endpoint in columns)
        lines.append([errors, seeds, images, *map(marked, found)])
    return markdown_table(['errors', 'S', 'N', *(f'{test}, {endpoint}' for test, endpoint in columns)], lines)


SIDE = (POOLED, AVERAGED, PAIRED_T, STRATIFIED, WELCH, ON_SEEDS, BOOTSTRAP, CROSSED)
NAMES = {PAIRED_T: 'paired t on images', CROSSED: '**crossed t**', BOOTSTRAP: 'crossed bootstrap'}


def spans(rows: Rows) -> list[str]:
    """Lowest and highest rate of each test of SIDE."""
    return [span(row['rate'] for row in rows.pick(test=test)) for test in SIDE]


def side_by_side(every: Rows, design: str = NESTED, errors: str = 'normal') -> str:
    """All tests of two equal procedures: one line per S, N, seed sd."""
    chosen = Rows(every.pick(study='type I', scope=PROCEDURE, endpoint='ME', design=design, errors=errors,
                             seeds=SEEDS))
    lines = []
    for seeds, images, sd in sorted({(row['seeds'], row['images'], row['seed_sd']) for row in chosen.rows}):
        here = Rows(chosen.pick(seeds=seeds, images=images, seed_sd=sd))
        lines.append([seeds, images, f'{sd:.2f}', *spans(here)])
    return markdown_table(['S', 'N', 'seed sd', *(NAMES.get(test, test) for test in SIDE)], lines)


def spans_of_others(every: Rows) -> str:
    """All tests of two equal procedures: one line per S and endpoint."""
    chosen = Rows(every.pick(study='type I', scope=PROCEDURE))
    lines = []
    for seeds in sorted(every.values('seeds', chosen.rows)):
        for endpoint in ENDPOINTS:
            lines.append([seeds, endpoint, *spans(Rows(chosen.pick(seeds=seeds, endpoint=endpoint)))])
    return markdown_table(['S', 'endpoint', *(NAMES.get(test, test) for test in SIDE)], lines)


def bootstrap_table(every: Rows) -> str:
    """Crossed bootstrap: one line per S, N, seed sd; one column per design and endpoint."""
    chosen = Rows(every.pick(study='type I', test=BOOTSTRAP))
    columns = [(design, endpoint) for design in DESIGNS for endpoint in ENDPOINTS]
    lines = []
    for seeds, images, sd in sorted({(row['seeds'], row['images'], row['seed_sd']) for row in chosen.rows}):
        here = Rows(chosen.pick(seeds=seeds, images=images, seed_sd=sd))
        lines.append([seeds, images, f'{sd:.2f}', *(marked(here.pick(design=design, endpoint=endpoint))
                                                    for design, endpoint in columns)])
    return markdown_table(['S', 'N', 'seed sd', *(f'{design}, {endpoint}' for design, endpoint in columns)], lines)


def networks_of_others(every: Rows) -> str:
    """What others do where only images are random: one line per S and endpoint."""
    tests = (POOLED, AVERAGED, STRATIFIED, PAIRED_T)
    chosen = Rows(every.pick(study='type I', scope=NETWORKS, test=tests, seeds=SEEDS))
    lines = []
    for seeds, endpoint in sorted({(row['seeds'], row['endpoint']) for row in chosen.rows},
                                  key=lambda key: (key[0], ENDPOINTS.index(key[1]))):
        here = Rows(chosen.pick(seeds=seeds, endpoint=endpoint))
        lines.append([seeds, endpoint, *(span(row['rate'] for row in here.pick(test=test)) for test in tests)])
    return markdown_table(['S', 'endpoint', POOLED, AVERAGED, STRATIFIED, '**paired t**'], lines)


def coverage_table(every: Rows) -> str:
    """Intervals: one line per scope, interval and S."""
    chosen = Rows(every.pick(study='coverage', seeds=SEEDS))
    lines = []
    for scope, test, seeds in sorted({(row['scope'], row['test'], row['seeds']) for row in chosen.rows},
                                     key=lambda key: (key[1] in OTHERS, key[0] == NETWORKS, key[1], key[2])):
        here = Rows(chosen.pick(scope=scope, test=test, seeds=seeds))
        outside = sum(not row['inside'] for row in here.rows)
        lines.append([scope, test, seeds,
                      *(span(row['rate'] for row in here.pick(endpoint=endpoint)) for endpoint in ENDPOINTS),
                      f'{outside} of {len(here.rows)}'])
    return markdown_table(['scope', 'interval', 'S', *ENDPOINTS, 'outside of [.93, .97]'], lines)


def verdict_table(every: Rows) -> str:
    """Family-wise errors, joint coverage, verdicts at the margin: one line per test and endpoint, one column per S."""
    studies = ('family-wise', 'joint coverage', 'equivalent at the margin', 'non-inferior at the margin')
    chosen = Rows(every.pick(study=studies))
    seeds = sorted(every.values('seeds', chosen.rows))
    lines = []
    for study, test, endpoint in dict.fromkeys((row['study'], row['test'], row['endpoint']) for row in chosen.rows):
        here = Rows(chosen.pick(study=study, test=test, endpoint=endpoint))
        lines.append([test, study, endpoint, *(marked(here.pick(seeds=count)) for count in seeds)])
    return markdown_table(['what', 'rate', 'endpoint', *(f'S = {count}' for count in seeds)], lines)


def power_table(every: Rows) -> str:
    """How often a difference is found: one line per S, N; one column per seed sd and difference."""
    chosen = Rows(every.pick(study='power', scope=PROCEDURE, design=NESTED, errors='normal'))
    tests, sds = every.values('test', chosen.rows), sorted(every.values('seed_sd', chosen.rows))
    lines = []
    for seeds, images in dict.fromkeys((row['seeds'], row['images']) for row in chosen.rows):
        here = Rows(chosen.pick(seeds=seeds, images=images))
        lines.append([seeds, images, *(span(row['rate'] for row in here.pick(test=test, seed_sd=sd))
                                       for test in tests for sd in sds)])
    return markdown_table(['S', 'N', *(f'{test.rpartition(" ")[2]}, seed sd {sd:.2f}' for test in tests for sd in sds)],
                          lines)


def rare_table(every: Rows) -> str:
    """Rare failures: one line per scope, S and N; one column per errors and share."""
    chosen = Rows(every.pick(study='rare failures'))
    kinds = [(errors, share) for errors in every.values('errors', chosen.rows) for share in RARE]
    lines = []
    for scope, seeds, images in sorted({(row['scope'], row['seeds'], row['images']) for row in chosen.rows},
                                       key=lambda key: (key[0] == NETWORKS, key[1:])):
        here = Rows(chosen.pick(scope=scope, seeds=seeds, images=images))
        line = [scope, seeds, images]
        for errors, share in kinds:
            row = here.pick(errors=errors, threshold=rare_threshold(errors, share))[0]
            line.append(f'{short(row["rate"])} ({100 * row["without_result"] / row["replications"]:.0f} %)')
        lines.append(line)
    return markdown_table(['scope', 'S', 'N', *(f'{errors}, {100 * share:g} % fail' for errors, share in kinds)], lines)


def design_table(every: Rows) -> str:
    """The crossed t with the design that is not the data's: one line per design and S; one column per seed sd."""
    chosen = Rows([row for row in every.pick(study='type I', scope=PROCEDURE, test=(CROSSED, MISDECLARED))
                   if row['seeds'] > 1])
    sds = sorted(every.values('seed_sd', chosen.rows))
    lines = []
    for design in every.values('design', chosen.rows):
        for seeds in sorted(every.values('seeds', chosen.rows)):
            here = Rows(chosen.pick(design=design, seeds=seeds, endpoint='ME'))
            lines.append([design, DESIGNS[design == NESTED], seeds,
                          *(span(row['rate'] for row in here.pick(test=MISDECLARED, seed_sd=sd)) for sd in sds)])
    return markdown_table(['the data are', 'analysed as', 'S', *(f'seed sd {sd:.2f}' for sd in sds)], lines)


def outside_table(every: Rows) -> str:
    """Every rate of ours that is not where it has to be: one line per study, scope, test, endpoint and S.

    The crossed bootstrap's are in bold in its own table, and families at one look have one. Two seeds are not judged.
    """
    groups = defaultdict(list)
    for row in every.pick(ours=True, inside=False, seeds=SEEDS):
        if row['test'] != BOOTSTRAP and 'size' not in row and not math.isnan(row['rate']):
            cell = f'{row["design"]} {row["errors"]} {row["images"]} {row["seed_sd"]:.2f}: {short(row["rate"])}'
            groups[tuple(row[key] for key in ('study', 'scope', 'test', 'endpoint', 'seeds'))].append(cell)
    lines = [[*key, '; '.join(groups[key])] for key in sorted(groups)]
    return markdown_table(['rate', 'scope', 'test', 'endpoint', 'S', 'design, errors, N, seed sd: value'], lines)


TABLES: dict[str, Callable[[Rows], str]] = {
    'Type-I error of the crossed t: procedure scope': crossed_table,
    'Type-I error in the networks scope: lowest and highest over seed sd and design': networks_table,
    'Type-I error about procedures, side by side: ME, nested, normal errors': side_by_side,
    'Type-I error about procedures, side by side: lowest and highest over the rest': spans_of_others,
    'Type-I error about networks, side by side: lowest and highest over the rest': networks_of_others,
    'Type-I error of the crossed bootstrap: normal and skewed errors': bootstrap_table,
    'Coverage of 95 % intervals: lowest and highest over N, seed sd, errors and design': coverage_table,
    'Families and verdicts: lowest and highest over N, seed sd, errors and design': verdict_table,
    'Power of the crossed t: ME, nested, normal errors': power_table,
    'Rare failures: type-I error where there is a test (share without one)': rare_table,
    'Families at one look: family-wise error, lowest and highest over N, seed sd and worlds': family_table,
    'Families at one look: joint coverage, and power over that of the former rule': price_table,
    'Families at one look: cells above .06': above_table,
    'Looking again: error over all looks, lowest and highest over N and seed sd': looks_table,
    'Looking again: one contrast from whole tables, looks at 3 to 10 seeds, lowest and highest': looked_table,
    'Looking again: trainings over those of the fixed design of 20 seeds (power, that of the fixed design)':
        saved_table,
    'Looking again: after a stop, at the difference that the fixed design finds with 80 %': stopped_table,
    'Looking again: cells outside of [.01, .07]': outside_looks_table,
    'Cross-validation by person: type-I error, 60 images of 30 persons': folds_table,
    'Cross-validation by person: power where a test that knew the variance would have 80 %': folds_power_table,
    'Cross-validation by person: information over that of 5 x 5 folds, same images to train on': information_table,
    'Several data sets: type-I error': across_table,
    'Several data sets: power where a test that knew all variances would have 80 %': across_power_table,
    'Several data sets: coverage of the 95 % prediction interval': prediction_table,
    'The wrong design declared: crossed t, ME, lowest and highest over N and errors': design_table,
    'Cells of ours outside of their bounds': outside_table,
}


def report(rows: list[dict[str, Any]], effort: Effort) -> str:
    """All tables as one text in Markdown."""
    head = (f'{len(rows)} rates from seed {effort.seed}. Replications: {effort.replications} of t tests and intervals, '
            f'{effort.few} of families, verdicts, power and rare failures, {effort.others} of pooled and averaged '
            f'Wilcoxon, {effort.ranks} of signed ranks and sign flips, {effort.resampled} of bootstraps and '
            f'{effort.better} of P(A better than B), these with {effort.draws} draws each; {effort.suites} suites of '
            f'families at one look, and {effort.confirmed} fresh ones where a rate was above {DOUBTFUL:.3f} (a third '
            f'of these with unequal numbers of seeds); {effort.looked} that are looked at again, '
            f'{effort.stopped} that stop; {effort.trained} cross-validations.')
    written = {title: table(Rows(rows)) for title, table in TABLES.items()}
    # A study that was left out leaves a table without lines.
    return '\n\n'.join([head, *(f'## {title}\n\n{text}' for title, text in written.items()
                                if text.count('\n') > 1)]) + '\n'
