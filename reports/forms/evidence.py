"""Rules: each looks for one kind of evidence in the files, and says in a few words what it found.

Nothing here is typed about a study: where the field is not there, there is no evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from benchmark.datasets.metainfo import SPLITS
from benchmark.statistics.terms import NETWORKS, PLANNED, PROCEDURE

from ..answers import listed
from ..numbers import level, primary
from ..page_text import cut
from .files import Files
from .items import Evidence

ANALYSIS, PLAN, CONFIGS = 'analysis.json', 'plan.json', 'runs/*/*/config.py'
METAINFO, ANNOTATIONS = 'metainfo.json (data set)', 'annotations/*.json (data set)'
ROOM = 120
#: Scope of a test -> what it compares.
SCOPE_WORDS = {PROCEDURE: 'training procedures', NETWORKS: 'trained networks'}


def _several(count: int, one: str, many: str | None = None) -> str:
    return f'{count:,} {one if count == 1 else many or one + "s"}'


def _setting(files: Files, name: str) -> list[Any]:
    """The values that a setting has, shared or by method, without repeats."""
    settings = files.analysis['settings']
    own = [block[name] for block in settings.values() if isinstance(block, dict) and block.get(name) is not None]
    found = [settings[name]] if settings.get(name) is not None and not isinstance(settings[name], dict) else []
    values = found + own
    return [one for place, one in enumerate(values) if one not in values[:place]]


def _settings(files: Files, names: Iterable[str], section: str = 'settings') -> Evidence | None:
    """What settings say, those that are there."""
    said = {name: _setting(files, name) for name in names}
    shown = [f'{name.replace("_", " ")} {" or ".join(map(_word, found))}' for name, found in said.items() if found]
    fields = ', '.join(f'settings.{name}' for name, found in said.items() if found)
    return Evidence(ANALYSIS, fields, section, cut('; '.join(shown), ROOM)) if shown else None


def _word(value: Any) -> str:
    return ', '.join(map(str, value)) if isinstance(value, list) else str(value)


def question(files: Files) -> Evidence | None:
    """The question that the suite declares."""
    asked = files.analysis['question']
    return Evidence(ANALYSIS, 'question', 'headline', cut(asked, ROOM)) if asked else None


def contrasts(files: Files) -> Evidence | None:
    """The contrasts that were planned, and the margin."""
    pairs = {(one['a'], one['b']) for one in files.analysis['contrasts'] if one['family'] == PLANNED}
    margin = files.analysis['margin']
    said = 'margins for ' + listed([*margin]) if margin else 'no margin'
    return Evidence(ANALYSIS, 'contrasts, margin', 'contrasts',
                    f'{_several(len(pairs), "planned contrast")}, {said}') if pairs else None


def data_set(files: Files) -> Evidence | None:
    """Name and description of the data set."""
    name, text = files.analysis['data'].get('name'), files.analysis['data'].get('description')
    said = ': '.join(str(one) for one in (name, text) if one)
    return Evidence(PLAN, 'data.name, data.description', 'data', cut(said, ROOM)) if name and files.plan else None


def licence(files: Files) -> Evidence | None:
    """The data set's licence."""
    said = files.analysis['data'].get('licence')
    return Evidence(PLAN, 'data.licence', 'data', cut(said, ROOM)) if said and files.plan else None


def preparation(files: Files) -> Evidence | None:
    """How images reach the network."""
    return _settings(files, ('input_size', 'resize', 'view_flip', 'view_scales'))


def crops(files: Files) -> Evidence | None:
    """Where in its photograph each prepared image lies."""
    there = files.data is not None and (files.data / 'originals.csv').is_file()
    return Evidence('originals.csv (data set)', '', '', 'place of each image in its photograph') if there else None


def missing(files: Files) -> Evidence | None:
    """Images, predictions and runs that lack something, and what was made of them."""
    analysis = files.analysis
    runs, cap = analysis['runs'], analysis['missing_cap']
    dropped = {image for one in analysis['conditions'].values() for image in one['dropped_images']}
    kind = f'a {primary(analysis)}' if analysis.get('scores') else 'an error'
    how = ['missing predictions are not filled in' if cap is None else f'a missing prediction is {kind} of {cap:g}']
    how += [f'a missing {name} counts as {value:g}' for name, value in (analysis.get('missing_caps') or {}).items()]
    said = f'{_several(len(dropped), "image")} left out as incomplete; {listed(how)}'
    if runs['planned']:
        said += f'; {runs["failed"]} failed and {runs["missing"]} missing of {_several(runs["planned"], "run")}'
    return Evidence(ANALYSIS, 'conditions.*.dropped_images, missing_cap, missing_caps, runs', 'runs', said)


def spacing(files: Files) -> Evidence | None:
    """The pixel spacing of the set or of its images."""
    if files.metainfo and files.metainfo.pixel_spacing:
        return Evidence(METAINFO, 'pixel_spacing', 'data', f'{files.metainfo.pixel_spacing:g} mm per pixel')
    known = [one for images in files.splits.values() for one in images if one.get('pixel_spacing')]
    return Evidence(ANNOTATIONS, 'images.pixel_spacing', '', f'of {_several(len(known), "image")}') if known else None


def landmarks(files: Files) -> Evidence | None:
    """Names of the landmarks."""
    names = files.analysis['data'].get('landmarks')
    return Evidence(PLAN, 'data.landmarks', 'data', f'{len(names)}: {cut(", ".join(names), ROOM)}') \
        if names and files.plan else None


def annotators(files: Files) -> Evidence | None:
    """Further annotators that the data set declares."""
    named = files.metainfo.annotators if files.metainfo else ()
    return Evidence(METAINFO, 'annotators', 'success', f'{_several(len(named), "further annotator")} beside the '
                    'reference') if named else None


def variability(files: Files) -> Evidence | None:
    """The measured distance between annotators."""
    block = files.analysis.get('annotators')
    if not block:
        return None
    mean = block['endpoints']['ME']['mean']
    return Evidence(ANALYSIS, 'annotators', 'success', f'{mean:.3g} {block["unit"]} on average, '
                    f'{_several(len(block["pairs"]), "pair")} of annotators')


def partition(files: Files) -> Evidence | None:
    """How many images each split has, or the folds."""
    if folds := files.analysis.get('folds'):
        return Evidence(ANALYSIS, 'folds', 'folds', f'{folds["n_folds"]} folds, '
                        f'{_several(folds["repetitions"], "repetition")}')
    splits = files.analysis['data'].get('splits') or {}
    told = [f'{splits[name]["images"]} {name}' for name in SPLITS if splits.get(name, {}).get('images')]
    return Evidence(PLAN, 'data.splits', 'data', f'{listed(told)} images') if len(told) > 1 and files.plan else None


def disjoint(files: Files) -> Evidence | None:
    """That no person, or where persons are not known no image, is in two splits: counted in the annotation files.

    Of a cross-validation, that each is in one fold of a repetition.
    """
    if folds := files.analysis.get('folds'):
        who = _several(len(folds['units']), files.analysis['unit_of_analysis'])
        return Evidence(ANALYSIS, 'folds.units', 'folds', f'{who}, each in one fold of a repetition')
    subject = files.metainfo.subject if files.metainfo else None
    field = subject or 'file_name'
    named = [[one.get(field) for one in images] for images in files.splits.values()]
    sets = [{str(who) for who in names if who not in (None, '')} for names in named]
    if len(sets) < 2 or not any(sets) or len(set.union(*sets)) < sum(map(len, sets)):
        return None
    who = _several(sum(map(len, sets)), 'person' if subject else 'image')
    unknown = sum(one in (None, '') for names in named for one in names)
    more = f'; {_several(unknown, "image")} without a {"person" if subject else "name"}' if unknown else ''
    return Evidence(ANNOTATIONS, f'images.{field}', 'data', f'{who}, none in two splits{more}')


def planning(files: Files) -> Evidence | None:
    """Which differences these numbers of images and seeds can show."""
    first = next((one for one in files.analysis['planning'] if one['detectable'] is not None), None)
    if first is None:
        return None
    unit = files.analysis['endpoints'].get(first['endpoint'], {}).get('difference_unit') or ''
    return Evidence(ANALYSIS, 'planning', 'variance', f'{first["endpoint"]}: a difference of '
                    f'{first["detectable"]:.3g} {unit} would be found with a power of 80 %'.replace('  ', ' '))


def images_used(files: Files) -> Evidence | None:
    """How many images and persons were tested, and how many were left out."""
    counts, analysis = files.analysis['counts'], files.analysis
    dropped = {image for one in analysis['conditions'].values() for image in one['dropped_images']}
    who = f' of {_several(counts["units"], "subject")}' if analysis['unit_of_analysis'] == 'subject' else ''
    return Evidence(ANALYSIS, 'counts, conditions.*.dropped_images', 'table1',
                    f'{_several(counts["images"], "image")}{who} tested, {len(dropped)} left out')


def characteristics(files: Files) -> Evidence | None:
    """How often each value of the declared groups is in each split."""
    groups = files.metainfo.groups if files.metainfo else ()
    told = []
    for group in groups:
        for split, images in files.splits.items():
            counts = Counter(str(one[group]) for one in images if one.get(group) is not None)
            told += [f'{split} {group}: ' + ', '.join(f'{count} {value}' for value, count in counts.most_common(4))] \
                if counts else []
    return Evidence(ANNOTATIONS, ', '.join(f'images.{one}' for one in groups), 'subgroups',
                    cut('; '.join(told), 2 * ROOM)) if told else None


def subgroups(files: Files) -> Evidence | None:
    """Differences within subgroups."""
    found = files.analysis['subgroups'] or []
    columns = [*dict.fromkeys(one['column'] for one in found)]
    return Evidence(ANALYSIS, 'subgroups', 'subgroups', f'differences and interactions by {listed(columns)}') \
        if columns else None


def architecture(files: Files) -> Evidence | None:
    """The networks, and the configs that build them."""
    networks = _setting(files, 'network')
    if not networks or not files.configs:
        return None
    return Evidence(CONFIGS, 'model', 'settings', cut(f'{listed([*map(str, networks)])}; a config of each run', ROOM))


def versions(files: Files) -> Evidence | None:
    """Versions of the packages that the runs were made with; of several environments, what differs comes first."""
    sets = [one['versions'] for one in files.analysis['runs']['environments'] if one.get('versions')]
    found = {name: [*dict.fromkeys(one.get(name, 'absent') for one in sets)] for one in sets for name in one}
    told = [f'{name} {" or ".join(map(str, several))}'
            for name, several in sorted(found.items(), key=lambda one: len(one[1]) < 2)]
    head = f'{len(sets)} environments: ' if len(sets) > 1 else ''
    return Evidence(ANALYSIS, 'runs.environments', 'environment', cut(head + ', '.join(told), ROOM)) if sets else None


def start(files: Files) -> Evidence | None:
    """What the weights start from."""
    return _settings(files, ('encoder_starts_from', 'starts_from'))


def training(files: Files) -> Evidence | None:
    """Epochs, optimiser and so on."""
    return _settings(files, ('epochs', 'optimizer', 'learning_rate', 'batch_size', 'schedule', 'heatmap_loss'))


def selection(files: Files) -> Evidence | None:
    """Trials that were chosen from, or which epoch is tested."""
    if tuned := files.analysis.get('tuning'):
        return Evidence(ANALYSIS, 'tuning', 'tuning', f'{tuned["tries"]} trials of each method, chosen on the '
                        'validation split')
    best = files.picks
    if not best:
        return None
    said = 'the last epoch' if not any(best.values()) else 'the epoch that was best on the validation images'
    if any(best.values()) and not all(best.values()):
        said += f' of {listed([name for name, one in best.items() if one])}, of others the last'
    return Evidence(CONFIGS, 'default_hooks.checkpoint', '', f'tested is {said}')


def single_networks(files: Files) -> Evidence | None:
    """That each prediction is of one run's network, and which networks were averaged beside."""
    runs, averaged = files.plan.get('runs') or [], (files.analysis.get('averaging') or {}).get('methods') or {}
    if not runs:
        return None
    said = f'{_several(len(runs), "run")}; each prediction is of one network'
    if not averaged:
        return Evidence(PLAN, 'runs', 'runs', said)
    means = listed([f'{one["n_seeds"]} networks of {name}' for name, one in averaged.items()])
    return Evidence(ANALYSIS, 'averaging.methods, runs', 'averaging', cut(
        f'{said}, and beside them heatmaps were averaged over {means}', 2 * ROOM))


def endpoints(files: Files) -> Evidence | None:
    """Measures with their units."""
    told = [f'{name} ({one["label"]})' for name, one in files.analysis['endpoints'].items()]
    return Evidence(ANALYSIS, 'endpoints', 'table1', cut(', '.join(told), ROOM)) if told else None


def tests(files: Files) -> Evidence | None:
    """Level, tests and intervals."""
    kinds = files.analysis.get('tests') or {}
    asked = {one['scope'] for one in files.analysis['contrasts'] if one['family'] == PLANNED and one['p'] is not None}
    said = [f'level {files.analysis["alpha"]:g}, {level(files.analysis)} intervals']
    said += [f'{what}: {kinds[scope]} test' for scope, what in SCOPE_WORDS.items()
             if scope in asked and kinds.get(scope)]
    if asked and kinds.get('adjusted'):
        over = 'over all endpoints' if kinds.get('family') == 'all endpoints' else 'within endpoint'
        keys = f' (of procedures: {kinds["adjusted"]})' if kinds['adjusted'] != 'Holm' and PROCEDURE in asked else ''
        said += [f'p adjusted {over} by Holm{keys}']
    return Evidence(ANALYSIS, 'alpha, tests', 'contrasts', '; '.join(said))


def sensitivity(files: Files) -> Evidence | None:
    """The same contrasts under other analyses."""
    found = files.analysis['sensitivity']
    return Evidence(ANALYSIS, 'sensitivity', 'sensitivity', f'{_several(len(found), "contrast")} under '
                    f'{max(len(one["rows"]) for one in found)} other analyses') if found else None


def internal(files: Files) -> Evidence | None:
    """Test images of the same data set."""
    test = (files.analysis['data'].get('splits') or {}).get('test')
    if not (test or files.analysis.get('folds')) or not files.plan:
        return None
    return Evidence(ANALYSIS, 'data.splits.test, counts.images', 'table1',
                    f'{_several(files.analysis["counts"]["images"], "image")} of the same data set, none trained on')


def performance(files: Files) -> Evidence | None:
    """Means of the methods with intervals."""
    name = primary(files.analysis)
    blocks = [one['endpoints'][name] for one in files.analysis['methods'].values() if name in one['endpoints']]
    known = [one for one in blocks if one.get('ci_low') is not None]
    return Evidence(ANALYSIS, 'methods.*.endpoints', 'table1', f'{_several(len(known), "method")} with '
                    f'{level(files.analysis)} intervals') if known else None


def measurements(files: Files) -> Evidence | None:
    """Agreement of clinical measurements with the annotation."""
    items = (files.analysis['agreement'] or {}).get('items', [])
    names = [*dict.fromkeys(one['measurement'] for one in items)]
    return Evidence(ANALYSIS, 'agreement', 'agreement', cut(f'limits of agreement and ICC of {listed(names)}', ROOM)) \
        if names else None


def failures(files: Files) -> Evidence | None:
    """Images that went wrong, with their landmarks."""
    shown = files.analysis['samples']
    return Evidence(ANALYSIS, 'samples', 'samples', f'{_several(len(shown), "image")} shown, with the reason why') \
        if shown else None


def limits(files: Files) -> Evidence | None:
    """The section that says what the numbers can't say."""
    wanted = (files.analysis.get('report') or {}).get('sections')
    return Evidence('index.html', '', 'limits', 'limits of the analysis') if wanted is None or 'limits' in wanted \
        else None


def plan(files: Files) -> Evidence | None:
    """The plan, written before the runs, with a hash of each."""
    runs = files.plan.get('runs') or []
    hashed = sum(1 for one in runs if one.get('hash'))
    return Evidence(PLAN, 'runs.hash', 'runs', f'{_several(hashed, "run")}, each with a hash of its config') \
        if hashed else None


def program(files: Files) -> Evidence | None:
    """Version and commit of the code."""
    made = (files.analysis.get('program') or {}).get('analysis') or {}
    said = f'landmark-benchmark {made.get("version")}'
    said += f', commit {made["commit"][:10]}' if made.get('commit') else ''
    return Evidence(ANALYSIS, 'program', '', said) if made.get('version') else None


def networks(files: Files) -> Evidence | None:
    """Networks that the runs have kept."""
    kept = files.beside('runs/*/*/network.pth')
    return Evidence('runs/*/*/network.pth', '', '', f'{_several(kept, "trained network")} kept') if kept else None


def decoding(files: Files) -> Evidence | None:
    """How landmarks are read off the heatmaps."""
    return _settings(files, ('decoding',))


def amounts(files: Files) -> Evidence | None:
    """How many images were trained on, and how many tested."""
    trained = sorted({one['train_images'] for one in files.analysis['runs']['items'] if one.get('train_images')})
    tested = _several(files.analysis['counts']['images'], 'image')
    return Evidence(ANALYSIS, 'runs.items.train_images, counts.images', 'runs', f'trained on '
                    f'{listed([*map(str, trained)])}, tested on {tested}') if trained else None


def doubt(files: Files) -> Evidence | None:
    """Whether doubt of a prediction goes with its error."""
    return Evidence(ANALYSIS, 'trust', 'trust', 'how far doubt goes with the error') \
        if files.analysis.get('trust') else None
