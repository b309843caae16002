"""Results table to the content of ``analysis.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from .agreement import agreement
from .alerts import alert
from .annotators import annotators
from .arrays import Floats
from .averaging import averaging
from .caps import check_cap
from .classes import classes
from .components import variance_components
from .consistency import canonical, check_truths, unit_remarks
from .contrasts import all_pairs, contrasts, tests_of
from .decodings import ARGMAX, decodings, used
from .degenerate import constant_predictions
from .describe import copies, error_distributions, learning_curve, method_block
from .effects import effects
from .endpoints import DECODER_FLOOR, Rates, ced_points
from .errors import TableError
from .few_seeds import few_seeds
from .fold_block import declared_design, fold_block
from .identical import identical
from .influence import carriers, short_normalisers
from .landmarks import landmarks
from .layout import Layout, make_layout, run_notes, some, summarize_runs
from .measurements import MEASURED
from .measures import of_scores
from .metric import WANTED, measures_with, with_metrics
from .observers import disagreement
from .options import Options, read_options
from .output import SCHEMA_VERSION, plain
from .pairing import check_pairing
from .pairs import differ_in, planned_pairs
from .planning import planning
from .programs import programs
from .ranking import ranking
from .reported import reanalyse
from .samples import sample_images
from .score_columns import SCORES, sizes_of
from .scores import Scores, make_scores
from .sensitivity import sensitivity
from .sequential.block import looks_of, overrule, sequential, unplanned
from .sequential.records import Look
from .sequential.repeated import Looked
from .subgroups import subgroups
from .success import success, which_rates
from .table import NOTES
from .terms import CONDITION, ONE_UNIT, PAIRED, PAIRS, PLANNED
from .ties import tie_groups
from .training import training
from .trust import trust
from .tuning import tuning
from .unbalanced import unbalanced
from .units import described, one_unit, squeezed
from .untrained import apart, learned
from .wording import statements

HEATMAP_UNIT = 'heatmap px'


def analyze(table: pd.DataFrame, plan: dict[str, Any] | None = None, records: Sequence[dict[str, Any]] = (),
            condition: str | None = None, looks: Sequence[Look] | None = None, one_family: bool = False,
            caps: Mapping[str, float] | None = None, ensembles: dict[str, Any] | None = None,
            kept: list[Scores] | None = None, **choices: Any) -> dict[str, Any]:
    """Analyse a results table.

    Args:
        table: A validated results table (:func:`.reading.read_table`).
        plan: The suite's plan, or None for a bare table.
        records: The runs' records.
        condition: The main condition, instead of the plan's first.
        looks: Looks that a ledger holds, the first one first; None: nobody keeps one. The look of now is the last of
            ``sequential.looks``.
        one_family: Whether all scores are one family of planned contrasts.
        caps: What a missing value of a score counts as that is not the primary one.
        ensembles: What the suite's networks give together (:func:`.averaging.read_ensembles`).
        kept: The main condition's scores are appended.
        choices: Fields of :class:`.options.Options` that go before the plan's ``analysis``.

    Returns:
        The content of ``analysis.json``, see ``schema.json``.

    Raises:
        TableError: A choice that can't be meant, or data that the analysis can't use.
    """
    plan = plan or {}
    scored = table.attrs.get(SCORES, ())
    declared = {**({} if scored else {'unit': HEATMAP_UNIT}), **plan.get('analysis', {})} if plan else {}
    limit = declared.get('threshold') if choices.get('threshold') is None else choices['threshold']
    metrics = table.attrs.get(WANTED, ())
    measures = of_scores(scored, sizes_of(table, scored), limit) if scored else measures_with(metrics)
    options = replace(read_options(declared, measures, one_family, **choices), caps=caps or {})
    layout = make_layout(table, plan, condition)
    made = programs(table, plan, records, {name: block['label'] for name, block in layout.methods.items()})
    notes, alerts = [*table.attrs.get(NOTES, []), *layout.notes, *made.notes], [*made.alerts]
    check_truths(table)
    options = declared_design(_known_methods(options, layout, choices, notes), table, choices)
    names = {name: about['label'] for name, about in layout.conditions.items()}
    everything, table = table, learned(table, names, alerts)
    rates = None if scored else which_rates(table, options, notes)
    alerts += squeezed(table, names)
    table, common = one_unit(table, layout, alerts)
    table = with_metrics(table, metrics)
    scores = _scores(table, layout, options, notes, rates)
    main = scores[layout.main]
    if kept is not None:
        kept.append(main)
    if not np.isfinite(table['error'].to_numpy()).any():
        raise TableError(f'field {measures.primary if scored else "error"}: empty in all rows; there is nothing to '
                         'analyse')
    check_pairing(main, layout.main, plan, options, notes)
    _check_margins(main, options)
    if scored:
        notes += _about_scores(options)
    elif not plan.get('analysis') and choices.get('threshold') is None:
        share = float(np.mean([values.mean() for values in main.values['FR'].values()]))
        notes.append(f'No threshold was declared: an image fails above {options.limit:g} {options.unit}, the value '
                     f'for heatmap pixels ({100 * share:.3g} % of all images do); FR and AUC rest on it.')
    _check_units(table, main, layout.main, notes, alerts)
    _check_roles(main, layout, options, choices, notes)
    rows = table[table['condition'] == layout.main]
    pairs = planned_pairs(main.methods, options)
    alerts += few_seeds(main, pairs, options, notes) + identical(table, layout, plan)
    points = None if scored else _points(scores, options)
    conditions = _conditions(scores, layout, options, points)
    taken = looks_of(rows, main, layout.main, [*layout.methods], planned_pairs([*layout.methods], options), looks,
                     options, rates)
    looked = Looked(taken, options.sequential) if options.sequential else None
    found = _contrasts(scores, layout, pairs, options, common, looked)
    overrule(found, taken, options)
    told = sequential(taken, len(pairs), options)
    alerts += unplanned(told, len(pairs), options.alpha)
    check_cap(rows, main, layout, found, pairs, options, notes, alerts)
    order = ranking(main, options)
    sizes, plans = effects(main, pairs, options), planning(main, pairs, options)
    data, runs = plan.get('data') or {}, summarize_runs(plan, records, table)
    methods = conditions[layout.main]['methods']
    labels = {name: block['label'] for name, block in methods.items()}
    reported = {name: block['reported'] for name, block in layout.methods.items() if block['reported']}
    notes += constant_predictions(rows, labels)
    alerts += short_normalisers(rows)
    alerts += [one for own in scores.values() for one in carriers(own, labels, options.unit, measures,
                                                                         len(scores) > 1)]
    wanted = {**(data.get('measurements') or {}), **everything.attrs.get(MEASURED, {})}
    agreed = agreement(rows, main, wanted, pairs, options, notes)
    if agreed:
        agreed['annotators'] = disagreement(rows, main, wanted, options)
    classed = classes(rows, main, wanted, pairs, options, notes)
    groups = subgroups(rows, main, pairs, options, notes)
    observers = None if points is None else annotators(rows, main, rates, points, labels, options, notes)
    shown = rows[rows['image'].isin(set(main.images))]
    decoding = used(plan.get('settings') or {}, layout.conditions[layout.main]['label'])
    content: dict[str, Any] = plain({
        'schema_version': SCHEMA_VERSION,
        'suite': str(plan.get('suite') or 'results'),
        'title': str(plan.get('title') or 'Comparison of methods'),
        'question': str(plan.get('question') or ''),
        'caution': str(plan.get('caution') or ''),
        'design': options.design, 'folds': fold_block(main, notes),
        'unit': options.unit, 'threshold': options.threshold, 'alpha': options.alpha,
        'margin': dict(options.margin), 'draws': options.draws, 'seed': options.seed,
        'missing_cap': options.missing_cap, 'missing_caps': dict(options.caps) or None, 'unit_of_analysis': main.unit,
        'proposed': options.proposed, 'reference': options.reference, 'main_condition': layout.main,
        'order': {'methods': [*layout.methods], 'conditions': [*layout.conditions]},
        'counts': {
            'methods': len(layout.methods), 'conditions': len(layout.conditions), 'images': len(main.images),
            'units': main.block(main.primary, main.methods[0]).n_images,
            'seeds': max(block['n_seeds_planned'] for block in methods.values()),
            'landmarks': int(shown['landmark'].nunique()) if 'landmark' in shown.columns else None,
        },
        'scores': [asdict(one) for one in scored] or None, 'tested': main.endpoints(measures.tested),
        'endpoints': measures.described([*main.values], options.unit, rates),
        'methods': methods, 'conditions': conditions,
        'tests': tests_of(main, pairs, options, looked), 'contrasts': found, 'sequential': told,
        'statements': statements([one for one in found if one['family'] == PLANNED], sizes, plans, labels,
                                 options.unit, main.unit, options.alpha, differ_in(plan, pairs), main.folds, measures),
        'effects': sizes, 'unbalanced': unbalanced(main, found, layout.main, labels, options),
        'ranking': {**order, **_first(order, methods, options)},
        'tie_groups': tie_groups(found, order['order'], layout.main, main.primary),
        'variance_components': variance_components(main, pairs, options),
        'planning': plans,
        'sensitivity': sensitivity(main, pairs, order['friedman'], options),
        'landmarks': _landmarks(landmarks(rows, main, data.get('landmarks') or [], pairs, options, rates),
                                apart(everything, table, layout.main)),
        'success': success(rows, main, layout.main, pairs, rates, options, looked),
        'annotators': observers,
        'agreement': agreed, 'classes': classed, 'subgroups': groups,
        'reported': _reported(reported, pairs, main, options),
        'common_unit': described(common),
        'learning_curve': learning_curve(conditions, layout, options.value_label, common or main.primary),
        'decoder_floor': _floor() if options.unit == HEATMAP_UNIT and decoding in (None, ARGMAX) else None,
        'decodings': decodings(plan, records, main, layout.main, labels),
        'averaging': averaging(ensembles, plan, records, rows, main, layout.main, pairs, options),
        'trust': trust(plan, records, rows, main, layout.main, options),
        'training': training(plan, records),
        'tuning': tuning(plan),
        'samples': [] if options.missing_cap is not None else sample_images(
            shown, [*layout.methods], options.proposed, options.reference),
        'runs': runs, 'alerts': alerts, 'notes': notes + run_notes(runs),
        'program': made.content,
        'data': data, 'source': plan.get('source') or None, 'settings': plan.get('settings') or {},
        'report': plan.get('report') or {},
    })
    return content


def _about_scores(options: Options) -> list[str]:
    """What a table of scores has not, and why."""
    one, notes = options.measures.scores[0], []
    if len(options.measures.scores) > 1:
        notes.append(f'The primary score is {one.name}, the first that was named.')
    if options.one_family:
        ways = {score.better: [other.name for other in options.measures.scores if other.better == score.better]
                for score in options.measures.scores}
        told = ' and '.join(f'{better} is better in {some(names)}' for better, names in ways.items())
        notes.append(f'One family: p-values are adjusted over {some(options.measures.tested)} at once. '
                     f'{told[:1].upper()}{told[1:]}'
                     + ('; signs of differences say the opposite in both, verdicts do not.' if len(ways) > 1 else '.'))
    if options.threshold is not None:
        return notes
    return [*notes, f'No threshold of {one.name} was declared, so there is no failure rate (--threshold).']


def _known_methods(options: Options, layout: Layout, choices: dict[str, Any], notes: list[str]) -> Options:
    """Proposed and reference method: unknown on the command line is an error, in a plan (of a part of it) a note."""
    proposed = _known_method('proposed', options.proposed, layout, choices, notes)
    reference = _known_method('reference', options.reference, layout, choices, notes)
    if options.proposed is not None and options.proposed == options.reference:
        raise TableError(f'reference: {options.reference} is the proposed method too; name two methods')
    return replace(options, proposed=proposed, reference=reference, pairs=_known_pairs(
        replace(options, proposed=proposed, reference=reference), layout, choices, notes))


def _known_pairs(options: Options, layout: Layout, choices: dict[str, Any],
                 notes: list[str]) -> tuple[tuple[str, str], ...] | None:
    """The declared pairs of which both methods are there; None where none were declared, or where the command line
    names a proposed method in their place.
    """
    if options.pairs is None:
        return None
    if choices.get('pairs') is None and choices.get('proposed') is not None:
        notes.append(f'The plan declares {len(options.pairs)} pairs; {options.proposed} against each other one was '
                     'asked for in their place.')
        return None
    kept = tuple(pair for pair in options.pairs if set(pair) <= set(layout.methods))
    if lost := [pair for pair in options.pairs if pair not in kept]:
        gone = ', '.join(sorted({name for pair in lost for name in pair} - set(layout.methods)))
        there = some([*layout.methods], 99)
        if choices.get('pairs') is not None:
            raise TableError(f'pairs: no method {gone} in the results; there are {there}')
        notes.append(f'{len(lost)} of the {len(options.pairs)} planned pairs are left out, as {gone} is not among the '
                     f'methods: {there}.')
    if (options.proposed, options.reference) in [(b, a) for a, b in kept]:
        raise TableError(f'pairs: has {options.reference} minus {options.proposed}, the wrong way round; write the '
                         'proposed one first')
    return kept


def _known_method(role: str, name: str | None, layout: Layout, choices: dict[str, Any],
                  notes: list[str]) -> str | None:
    if name is None or name in layout.methods:
        return name
    if alike := [method for method in layout.methods if canonical(method) == canonical(name)]:
        return alike[0]
    there = some([*layout.methods], 99)
    if choices.get(role) is not None:
        raise TableError(f'{role}: no method {name} in the results; there are {there}')
    notes.append(f'The {role} method of the plan, {name}, is not among the methods: {there}.')
    return None


def _scores(table: pd.DataFrame, layout: Layout, options: Options, notes: list[str],
            rates: Rates | None) -> dict[str, Scores]:
    """Condition -> its scores; conditions without results are left out."""
    found = {}
    for name, about in layout.conditions.items():
        rows = table[table['condition'] == name]
        if len(rows):
            found[name] = make_scores(rows, [*layout.methods], about['label'], options, notes, rates)
            notes += copies(found[name])
    if len({tuple(scores.images) for scores in found.values()}) > 1:
        notes.append('The conditions were not scored on the same images; compare methods within a condition only.')
    return found


def _check_roles(scores: Scores, layout: Layout, options: Options, choices: dict[str, Any], notes: list[str]) -> None:
    """Methods without results under the main condition are in no contrast of it; that is said."""
    for role in ('proposed', 'reference'):
        name = getattr(options, role)
        if name is not None and name not in scores.seeds and choices.get(role) is not None:
            raise TableError(f'{role}: {name} has no results under the main condition, {scores.name}; there are '
                             f'{some(scores.methods, 99)}')
    lacking = [name for name in layout.methods if name not in scores.seeds]
    if lacking:
        notes.append(f'{scores.name}: no results of {some(lacking, 20)}; they are in no contrast.')
    if options.proposed is not None and options.proposed not in scores.seeds:
        notes.append(f'The proposed method, {options.proposed}, has no results: no contrast is tested as planned.')


def _check_margins(scores: Scores, options: Options) -> None:
    for endpoint in options.margin:
        if endpoint not in scores.values:
            raise TableError(f'margin: the table has no {endpoint}; there are {some([*scores.values], 9)}')


def _check_units(table: pd.DataFrame, main: Scores, condition: str, notes: list[str],
                 alerts: list[dict[str, str]]) -> None:
    """Whether the methods' errors are in one unit."""
    rows = table[(table['condition'] == condition) & table['image'].isin(set(main.images))]
    means = {name: float(values.mean()) for name, values in main.values[main.primary].items()}
    proven, suggested = unit_remarks(rows, means, 'errors' if main.primary == 'ME' else f'values of {main.primary}')
    alerts += [alert('units differ', text) for text in proven]
    notes += suggested


def _points(scores: dict[str, Scores], options: Options) -> Floats:
    """Abscissae of all error distributions."""
    everything = np.concatenate([values.ravel() for one in scores.values() for values in one.values['ME'].values()])
    return ced_points(everything, options.limit)


def _conditions(scores: dict[str, Scores], layout: Layout, options: Options, points: Floats | None) -> dict[str, Any]:
    blocks = {}
    for name, about in layout.conditions.items():
        own = scores.get(name)
        blocks[name] = {
            **about,
            'methods': {method: {**label, 'n_seeds_planned': layout.planned[name, method],
                                 **method_block(own, method, options)}
                        for method, label in layout.methods.items()},
            'ced': error_distributions(own, points) if own and points is not None else {},
            'images': own.images if own else [], 'dropped_images': own.dropped if own else [],
            'n_images': len(own.images) if own else 0,
        }
    return blocks


def _contrasts(scores: dict[str, Scores], layout: Layout, pairs: Sequence[tuple[str, str]],
               options: Options, common: str | None, looked: Looked | None) -> list[dict[str, Any]]:
    """Planned contrasts and all pairs of the main condition, then the planned pairs of the other conditions.

    Where conditions are compared in another endpoint, and it is not among the tested ones, in that too.
    """
    main = scores[layout.main]
    found = contrasts(main, layout.main, PLANNED, pairs, options, looked=looked)
    found += contrasts(main, layout.main, PAIRS, all_pairs(main.methods), options, looked=looked)
    for name, own in scores.items():
        there = [pair for pair in pairs if set(pair) <= set(own.methods)]
        if options.design == PAIRED:
            there = [pair for pair in there if own.common_seeds(*pair)]
        if name != layout.main:
            found += contrasts(own, name, CONDITION, there, options, looked=looked)
        if common is not None and common not in options.measures.tested:
            found += contrasts(own, name, ONE_UNIT, there, options, [common], looked)
    return found


def _first(order: dict[str, Any], methods: dict[str, Any], options: Options) -> dict[str, Any]:
    """How far the first is from the reference. Descriptive: the first is chosen by the data."""
    first, reference = order['order'][0], options.reference if options.reference in order['order'] else None
    difference = relative = None
    if reference:
        base = methods[reference]['endpoints'][order['endpoint']]['mean']
        difference = methods[first]['endpoints'][order['endpoint']]['mean'] - base
        relative = difference / base if base else None
    return {'first': first, 'reference': reference, 'difference': difference, 'relative_difference': relative}


def _landmarks(block: dict[str, Any] | None, left: dict[str, Any]) -> dict[str, Any] | None:
    """The block of landmarks; those that were never trained stand apart in it."""
    return block | {'untrained': left} if block and left else block


def _reported(reported: dict[str, Any], pairs: Sequence[tuple[str, str]], scores: Scores,
              options: Options) -> dict[str, Any] | None:
    if not reported or options.reported_images is None:
        return None
    measured = {}
    for a, b in pairs:
        first, second = scores.block(scores.primary, a).images, scores.block(scores.primary, b).images
        if len(first) > 2 and first.std() > 0 and second.std() > 0:
            measured[a, b] = float(np.corrcoef(first, second)[0, 1])
    return reanalyse(reported, pairs, options.reported_images, options, measured)


def _floor() -> dict[str, Any]:
    return {'value': DECODER_FLOOR, 'unit': HEATMAP_UNIT,
            'description': 'Expected error of a plain argmax on a perfect heatmap: the mean distance from a uniform '
                           'point to the centre of its pixel, (sqrt(2) + asinh(1)) / 6.'}
