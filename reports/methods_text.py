"""A methods paragraph for a paper: what was compared, how it was tested, with which versions.

Every sentence is made of a field of analysis.json; what a field does not say is not said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from benchmark.statistics.terms import NETWORKS, PAIRED, PROCEDURE

from .answers import listed
from .decodings import word
from .looks import looked_again, planned_looks
from .numbers import Form, form, level, lookup, primary
from .page_text import cut
from .planned import planned, planned_pairs
from .views import trained_on

SPLITS = {'train': 'training', 'val': 'validation', 'test': 'test'}
SPENDING = {'obrien_fleming': 'an O’Brien-Fleming function', 'pocock': 'a Pocock function'}
PACKAGES = {'python': 'Python', 'torch': 'PyTorch', 'mmpose': 'MMPose', 'onedl-mmengine': 'MMEngine (onedl)',
            'onedl-mmcv': 'mmcv (onedl)', 'numpy': 'NumPy'}


def paragraphs(analysis: dict[str, Any]) -> list[str]:
    """Design, training, statistics and software, a paragraph each, without markup.

    Args:
        analysis: Content of analysis.json.
    """
    return joined(_design(analysis), _training(analysis), _statistics(analysis), _software(analysis))


def as_file(texts: Sequence[str]) -> str:
    """Paragraphs as a text file."""
    return '\n\n'.join(texts) + '\n'


def joined(*parts: Sequence[str]) -> list[str]:
    """A paragraph of each part's sentences; none of a part without any."""
    return [text for part in parts if (text := ' '.join(' '.join(part).split()))]


def compared(labels: Sequence[str], under: str, seeds: Sequence[int], design: str, folded: str | None) -> list[str]:
    """What was compared, with how many runs of each, and what seeds share.

    Args:
        labels: Of the methods.
        under: Under what, with a blank before it; empty: nothing is said.
        seeds: Numbers of seeds, or repetitions, of each method.
        design: Of the analysis.
        folded: ``a cross-validation ...``, or None.
    """
    runs = 'one training run' if max(seeds) == 1 else f'{_span(seeds)} training runs (random seeds)'
    if folded:
        runs = ('' if max(seeds) == 1 else f'{_span(seeds)} repetitions of ') + folded
    few = 'One method' if len(labels) == 1 else f'{len(labels)} methods'
    said = [f'{few} ({listed(labels)}) {"was" if len(labels) == 1 else "were"} compared{under}, with {runs} of each'
            f'{" under each condition" if " conditions " in under else ""}.']
    if max(seeds) > 1 and not folded:
        said += ['Seeds were paired: seed s fixed for all methods what the design shares.' if design == PAIRED else
                 'Seeds were nested: each method had randomness of its own in each seed.']
    return said


def _design(analysis: dict[str, Any]) -> list[str]:
    methods = analysis['order']['methods']
    seeds = [analysis['methods'][name]['n_seeds'] for name in methods]
    labels = [cut(analysis['methods'][name]['label'], 60) for name in methods]
    conditions = [one['label'] for one in analysis['conditions'].values()]
    under = f' under {len(conditions)} conditions ({listed(conditions)})' if len(conditions) > 1 else ''
    folds = analysis.get('folds')
    folded = f'a cross-validation by {analysis["unit_of_analysis"]} in {folds["n_folds"]} folds' if folds else None
    said = compared(labels, under, seeds, analysis['design'], folded)
    data, counts = analysis['data'], analysis['counts']
    splits = {name: data['splits'][name] for name in SPLITS if lookup(data, ('splits', name, 'images'))}
    if splits and data.get('name'):
        held = listed([f'{one["images"]} {SPLITS[name]} images{_persons(one)}' for name, one in splits.items()])
        said += [f'The data set {data["name"]} has {held}.']
    whose = f' of {counts["units"]} subjects' if analysis['unit_of_analysis'] == 'subject' else ''
    said += [f'Results are those of {counts["images"]} {"test " if splits else ""}images{whose}'
             + (f' with {counts["landmarks"]} landmarks.' if (counts.get('landmarks') or 0) > 1 else '.')]
    lost = analysis['runs']
    if lost['failed'] or lost['missing']:
        gone = listed([f'{lost[name]} {word}' for name, word in (('failed', 'failed'), ('missing', 'were not done'))
                       if lost[name]])
        said += [f'Of {lost["planned"]} planned runs {gone}; they are not part of the results.']
    return said


def _persons(split: Mapping[str, Any]) -> str:
    people = split.get('subjects')
    return f' of {people} subjects' if people and people != split['images'] else ''


def _training(analysis: dict[str, Any]) -> list[str]:
    settings = analysis['settings']
    apart = {key for own in settings.values() if isinstance(own, dict) for key in own}
    shared = {key: one for key, one in settings.items()
              if one is not None and not isinstance(one, dict) and key not in apart}
    how = [f'for {shared["epochs"]} epochs'] if 'epochs' in shared else []
    how += [f'with {shared["optimizer"]}'] if 'optimizer' in shared else []
    how += [f'at a learning rate of {shared["learning_rate"]:g}'] if _is_number(shared.get('learning_rate')) else []
    how += [f'in batches of {shared["batch_size"]}'] if 'batch_size' in shared else []
    size = shared.get('input_size')
    how += [f'on inputs of {size[0]} x {size[1]} pixels'] if isinstance(size, list) and len(size) == 2 else []
    said = [f'All networks were trained {", ".join(how)}.'] if how else []
    for view in trained_on(analysis):
        text = view.text.partition(';')[0]
        said += [f'{view.whose + ": training" if view.whose else "Training"} views were {view.kind}: {text}.']
    if isinstance(shared.get('decoding'), str):
        said += [f'Landmarks were read off the heatmaps by {word(shared["decoding"])}.']
    source = (analysis['source'] or {}).get('description')
    said += [f'Source network: {source.rstrip(".")}.'] if said and source else []
    if tuned := analysis.get('tuning'):
        draws = {'grid': 'all combinations of a grid', 'random': 'drawn at random'}[tuned['kind']]
        said += [f'Hyperparameters were chosen on the validation split, with {tuned["tries"]} trials ({draws}) for '
                 'each method, condition and seed.']
    return said


def _statistics(analysis: dict[str, Any]) -> list[str]:
    pairs, label = planned_pairs(analysis), {name: cut(one['label'], 60) for name, one in analysis['methods'].items()}
    contrasts = [one for _, one in planned(analysis)]
    tested = [*dict.fromkeys(one['endpoint'] for one in contrasts)]
    said = measured(analysis, tested or [primary(analysis)], analysis['unit_of_analysis'] == 'subject')
    said += capped(analysis)
    if not pairs:
        return [*said, 'No contrast was planned; all comparisons are exploratory.',
                f'Intervals have a level of {level(analysis)}.']
    many = len(pairs)
    said += [contrasted(pairs, label)]
    scopes = {one['scope'] for one in contrasts if one['p'] is not None}
    tests = analysis.get('tests', {})
    if PROCEDURE in scopes and tests.get(PROCEDURE) == 'two-part':
        said += ['Seeds and images were taken as crossed random factors: methods were compared as training procedures '
                 '(other seeds, other images) by a two-part test, a crossed analysis of variance in which the seeds’ '
                 'part of the variance is weighed by how little is known of it.']
    if PROCEDURE in scopes and analysis.get('folds') and tests.get(PROCEDURE) == 'corrected t':
        whose = f'{analysis["unit_of_analysis"]}s'
        said += [f'Methods were compared as training procedures by t tests on the differences of {whose}, '
                 f'averaged over repetitions, with their variance multiplied by {analysis["folds"]["factor"]:.3g} '
                 'since training sets overlap (after Nadeau and Bengio).']
    if NETWORKS in scopes and NETWORKS in tests:
        who = 'For the trained models (other images only) they were compared'
        who = who if PROCEDURE in scopes else 'The trained models were compared (other images only)'
        over = ', averaged over seeds' if PROCEDURE in scopes else ''
        said += [f'{who} by paired t tests on the images’ differences{over}.']
    said += _looks(analysis)
    several = many > 1 or lookup(analysis, ('tests', 'family')) == 'all endpoints'
    said += [_adjusted(analysis, scopes)] if several and scopes else []
    said += [*margins_of(analysis['margin'], partial(form, analysis)), levels_of(analysis, many)]
    if lookup(analysis, ('ranking', 'drawn')):
        said += [f'How stable rankings are was judged by {analysis["draws"]:,} bootstrap draws.']
    return said


def measured(analysis: dict[str, Any], names: Sequence[str], by_subject: bool) -> list[str]:
    """What the endpoints are, and that scores were averaged within subjects."""
    shown = [_endpoint(analysis, name) for name in names]
    return [f'{"Endpoints were" if len(shown) > 1 else "The endpoint was"} {listed(shown)}.',
            *(['Scores were averaged within subjects before anything else.'] if by_subject else [])]


def contrasted(pairs: Sequence[tuple[str, str]], label: Mapping[str, str]) -> str:
    """Which contrasts were planned."""
    named = listed([f'{label[a]} against {label[b]}' for a, b in pairs])
    return f'{"One contrast was" if len(pairs) == 1 else f"{len(pairs)} contrasts were"} planned: {named}.'


def margins_of(margin: Mapping[str, float], form_of: Callable[[str], Form]) -> list[str]:
    """Which differences matter; nothing where none was declared."""
    found = [f'{look.text(size)} {look.difference}'.rstrip() + f' ({name})' for name, size in margin.items()
             if (look := form_of(name))]
    return [f'The smallest difference that matters was set to {listed(found)}; equivalence was tested by two '
            'one-sided tests.'] if found else []


def levels_of(analysis: dict[str, Any], contrasts: int) -> str:
    """The levels of tests and intervals."""
    more = ' and are not adjusted for the number of contrasts' if contrasts > 1 else ''
    return f'The level of tests is {analysis["alpha"]:g}; intervals have {level(analysis)}{more}.'


def _endpoint(analysis: dict[str, Any], name: str) -> str:
    unit, threshold = analysis['unit'], analysis['threshold']
    limit = '' if threshold is None else f'{threshold:g} {unit}'.rstrip()
    if scores := analysis.get('scores'):
        look = form(analysis, name)
        if name == 'FR':
            first = scores[0]
            return (f'the share of images with a {first["name"]} '
                    f'{"above" if first["better"] == "lower" else "below"} {limit} (FR)')
        return f'the mean {name}' + (f' in {look.unit}' if look.unit else '') + f' ({look.direction})'
    words = {'ME': f'the mean error in {unit} (ME)', 'FR': f'the share of images with an error above {limit} (FR)',
             'AUC': f'the area under the cumulative error distribution up to {limit} (AUC)'}
    return words.get(name) or f'the {analysis["endpoints"][name]["label"]} ({name})'


def capped(analysis: dict[str, Any]) -> list[str]:
    """What a missing prediction counted as, and of several scores a missing value of a further one."""
    cap, found = analysis['missing_cap'], []
    if cap is not None:
        kind = f'a {primary(analysis)}' if analysis.get('scores') else 'an error'
        found = [f'prediction counted as {kind} of {cap:g} {analysis["unit"]}'.rstrip()]
    for name, value in (analysis.get('missing_caps') or {}).items():
        look = form(analysis, name)
        found += [f'{look.head} {"" if found else "counted "}as {value:g} {look.unit}'.rstrip()]
    return [f'A missing {", a missing ".join(found)}.'] if found else []


def _looks(analysis: dict[str, Any]) -> list[str]:
    block = planned_looks(analysis)
    if block is None:
        again = looked_again(analysis)
        return [f'Results were looked at more than once without a plan. {again}'] if again else []
    plan, taken = block['plan'], len(block['looks'])
    how = SPENDING.get(plan['spending'], f'the function {plan["spending"]}')
    times = 'once' if taken == 1 else f'{taken} times'
    return [f'Results were looked at {times} so far, by a plan with a first look at {plan["first_look"]} and'
            f' at most {plan["max_seeds"]} seeds: the level was spent over the looks by {how} '
            '(Lan and DeMets), and p-values and intervals of training procedures hold over all looks.']


def _adjusted(analysis: dict[str, Any], scopes: set[str]) -> str:
    """How p-values are adjusted; empty where an older analysis does not say."""
    how = lookup(analysis, ('tests', 'adjusted'))
    if how is None:
        return ''
    pooled = (', of training procedures by it or by a test that pools the seeds’ variance of all methods (either key), '
              'whichever gave the smaller p-value') if how != 'Holm' and PROCEDURE in scopes else ''
    each = ' and scope' if len(scopes) > 1 else ''
    if lookup(analysis, ('tests', 'family')) == 'all endpoints':
        within = f' within {each.removeprefix(" and ")}' if each else ''
        return f'p-values were adjusted over the planned contrasts of all endpoints{within} by Holm’s method.'
    return f'p-values were adjusted over the planned contrasts within endpoint{each} by Holm’s method{pooled}.'


def _software(analysis: dict[str, Any]) -> list[str]:
    if not analysis.get('program'):
        return []
    said = made_by(analysis['program'])
    sets = [one['versions'] for one in analysis['runs']['environments'] if one.get('versions')]
    told = []
    for name, shown in PACKAGES.items():
        found = [*dict.fromkeys(str(one[name]) for one in sets if name in one)]
        told += [f'{shown} {" or ".join(found)}'] if found else []
    return said + ([f'The networks were trained with {listed(told)}.'] if told else [])


def made_by(made: Mapping[str, Any]) -> list[str]:
    """Which versions of this program made analysis and runs."""
    ours = _program(made['analysis'])
    others = [other for one in made['runs'] if (other := _program(one)) not in ('', ours)]
    return [f'Analysis: landmark-benchmark {ours}.',
            *([f'Runs: landmark-benchmark {listed(others)}.'] if others else [])]


def _program(code: Mapping[str, Any]) -> str:
    changed = ' with changes' if code.get('changed') else ''
    return (code.get('version') or '') + (f' (commit {code["commit"][:10]}{changed})' if code.get('commit') else '')


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f'{low}' if low == high else f'{low} to {high}'


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
