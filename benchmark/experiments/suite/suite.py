"""A suite: methods x conditions x seeds on a data set, with its analysis plan."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.experiments.errors import SuiteError
from benchmark.statistics.errors import TableError
from benchmark.statistics.options import read_options

from .configs import CONFIGS, find_config, names, read_config
from .kinds import (
    ABOVE_0,
    DICT,
    FINITE,
    FLAG,
    OPTIONS,
    SEED,
    SOME_TEXT,
    TEXT,
    Kind,
    alike,
    number,
    one_of,
    unfit_name,
    whole,
)
from .seeds import design, seeding
from .tuning import check_tuning

#: What a suite may change of a method's config, by name; everything else goes through ``cfg_options``. ``iterations``
#: is the number of optimisation steps, rounded up to whole epochs: it trains alike with any number of images.
SETTINGS = ('depth', 'width', 'input_size', 'batch_size', 'epochs', 'iterations', 'lr', 'power', 'decoding',
            'hourglass', 'decoder_channels', 'channels_last', 'selection', 'val_interval', 'feature_cache',
            'precision', 'cuda_graphs', 'resize', 'cfg_options')
CHOICES = {'depth': (18, 34, 50, 101, 152), 'selection': ('last', 'best_val'),
           'decoding': ('argmax', 'quarter', 'dark'), 'precision': ('float32', 'bfloat16'),
           'resize': ('squeeze', 'letterbox')}
#: What kind of value a setting takes.
KINDS = {
    **dict.fromkeys(('width', 'batch_size', 'epochs', 'iterations', 'decoder_channels', 'val_interval'), whole(1)),
    'input_size': Kind('width and height in pixels, such as (128, 128)',
                       lambda value: isinstance(value, (list, tuple)) and len(value) == 2
                       and all(type(side) is int and side >= 1 for side in value)),
    **dict.fromkeys(('lr', 'power'), ABOVE_0), **dict.fromkeys(('channels_last', 'cuda_graphs'), FLAG),
    **dict.fromkeys(('hourglass', 'feature_cache'), DICT), 'cfg_options': OPTIONS}
#: Fields of settings that are dicts.
PARTS = {'hourglass': dict.fromkeys(('num_stacks', 'num_blocks', 'channels', 'depth'), whole(1)),
         'feature_cache': dict(enabled=FLAG, limit_gib=ABOVE_0, precision=one_of('float32', 'float16'),
                               resident_gib=number(0))}
#: What a suite declares of its analysis; see :class:`benchmark.statistics.options.Options`.
ANALYSIS = ('threshold', 'proposed', 'reference', 'margin', 'alpha', 'draws', 'seed', 'groups', 'missing_cap',
            'reported_images', 'value_label', 'success')
DATA = {'synthetic': dict(train=whole(1), val=whole(1), test=whole(1), image_size=whole(16), seed=SEED),
        'prepared': dict(root=SOME_TEXT)}
SOURCE = {'train': dict(data=DICT, epochs=whole(1), batch_size=whole(1), lr=ABOVE_0, seed=SEED,
                        label_smoothing=number(0, 1), dropout=number(0, 1), weight_decay=number(0)),
          'checkpoint': dict(path=SOME_TEXT), 'random': dict(seed=SEED, num_classes=whole(2))}
SOURCE_DATA = {'synthetic': dict(identities=whole(2), shots=whole(2), image_size=whole(16), seed=SEED),
               'identities': dict(root=SOME_TEXT)}
#: What cannot be left out of them.
NEEDED = ('root', 'path', 'data')
FIELDS = ('name', 'title', 'question', 'methods', 'seeds', 'data', 'source', 'settings', 'conditions', 'seeding',
          'analysis', 'reported', 'caution', 'workers', 'execution', 'report', 'tuning')
#: What a suite asks of the page: its sections in their order, and modules that register more of them.
REPORT = ('sections', 'imports')
#: How a suite's runs are executed; see :data:`benchmark.experiments.state.tasks.EXECUTION`. The engines' names
#: hold their own options (:mod:`benchmark.experiments.executors`), which they check themselves.
EXECUTION = dict(
    retries=Kind('a number of tries after the first, 0 or more', whole(0).fits),
    time_limit=Kind('seconds, or None', lambda value: value is None or ABOVE_0.fits(value)),
    save_every=Kind('seconds, or None', lambda value: value is None or number(0).fits(value)),
    keep_checkpoints=FLAG, threads=Kind('a number of threads, 1 or more', whole(1).fits),
    source_threads=Kind('a number of threads, 1 or more', whole(1).fits), slurm=DICT, ray=DICT, kubernetes=DICT)
#: What a suite is made of, by kind of value.
SHAPES = {**dict.fromkeys(('name', 'title', 'question', 'caution'), TEXT),
          **dict.fromkeys(('data', 'source', 'settings', 'conditions', 'seeding', 'analysis', 'reported', 'execution',
                           'report', 'tuning'), DICT),
          'workers': Kind('a number of runs at the same time, 1 or more', whole(1).fits)}
CONDITION = dict(label=SOME_TEXT, value=FINITE, num_labels=whole(1), method_options=DICT, seeding=DICT)
METHOD = dict(config=SOME_TEXT, label=SOME_TEXT, cfg_options=OPTIONS)


@dataclass
class Suite:
    """A validated suite.

    Attributes:
        name: Name of the suite; also of its output folder.
        title: Heading of the report.
        question: What the suite answers, in one sentence.
        methods: Name -> ``dict(config=path, label=str)``.
        seeds: The runs' numbers.
        data: Target data: ``dict(type='synthetic', ...)`` or ``dict(type='prepared', root=...)``.
        source: The source network: ``type`` is ``train``, ``checkpoint`` or ``random``.
        settings: Overrides of the methods' protocol, by name (:data:`SETTINGS`).
        conditions: Name -> ``dict(label, value, num_labels, method_options, **settings)``; the first is the main one.
            ``method_options`` holds config values by dotted key for some methods, ``seeding`` goes before the suite's.
        seeding: Purpose -> how its seed comes about: see :func:`benchmark.experiments.suite.seeds.seeding`.
        analysis: The analysis plan (:data:`ANALYSIS`): declared here, before there are results.
        reported: Method -> numbers that somebody reported for it.
        caution: What a reader must know before any number, or ''.
        workers: Runs at the same time where the command line does not say; small runs use two cores better apart.
        execution: How runs are executed: retries, time limit, states, SLURM's options (:data:`EXECUTION`).
        report: What the page shows (:data:`REPORT`), and the suite's folder, where modules are looked for.
        tuning: Tries per method, chosen on the validation split: see :func:`.tuning.check_tuning`.
        overrides: Config values of the command line, which go before everything else.
        data_replaced: Whether the data are the command line's, not those that the suite was written for.
    """

    name: str
    title: str
    question: str
    methods: dict[str, dict]
    seeds: list[int]
    data: dict
    source: dict
    settings: dict = field(default_factory=dict)
    conditions: dict[str, dict] = field(default_factory=lambda: {'all': dict(label='all labels')})
    seeding: dict[str, str] = field(default_factory=dict)
    analysis: dict = field(default_factory=dict)
    reported: dict = field(default_factory=dict)
    caution: str = ''
    workers: int = 1
    execution: dict = field(default_factory=dict)
    report: dict = field(default_factory=dict)
    tuning: dict = field(default_factory=dict)
    overrides: dict = field(default_factory=dict)
    data_replaced: bool = False

    @property
    def paths(self) -> list[str]:
        """Folders of the methods' configs that are not shipped; modules beside them can be imported."""
        folders = {Path(method['config']).parent for method in self.methods.values()}
        return sorted(str(folder) for folder in folders if CONFIGS not in folder.parents)

    @property
    def design(self) -> str:
        """``paired`` where a seed means the same to all methods in anything that varies, else ``nested``."""
        kinds = {design(self.seeding | condition.get('seeding', {})) for condition in self.conditions.values()}
        return 'paired' if 'paired' in kinds else 'nested'


def merged(settings: dict, condition: dict) -> dict:
    """A condition's settings: the suite's with the condition's own; the one that sets the training's length counts."""
    own = {k: v for k, v in condition.items() if k in SETTINGS}
    length = {'epochs', 'iterations'}
    result = {k: v for k, v in settings.items() if k not in length or not length & set(own)} | own
    for key in ('cfg_options', 'hourglass'):
        if key in own:
            result[key] = (settings.get(key) or {}) | (own[key] or {})
    return {name: value for name, value in result.items() if value is not None}


def load_suite(name: str) -> Suite:
    """Reads and checks a suite.

    Raises:
        SuiteError: An unknown, missing or ill-typed field; names it and the remedy.
    """
    path = find_config('suites', name)
    _no_key_twice(path)
    content = read_config(path).to_dict()
    content.setdefault('name', path.stem)
    for required in ('methods', 'seeds', 'data', 'source'):
        if required not in content:
            raise SuiteError(f'{path}: field {required!r} is missing. See mmconfigs/suites/demo.py for an example.')
    _known(path, '', content, FIELDS)
    _kinds(path, '', content, SHAPES)
    content['methods'] = _methods(path, content['methods'])
    content['seeds'] = _seeds(path, content['seeds'])
    content.setdefault('title', content['name'])
    content.setdefault('question', '')
    _typed(path, 'data', content['data'], DATA)
    _typed(path, 'source', content['source'], SOURCE)
    if content['source']['type'] == 'train':
        _typed(path, 'source.data', content['source']['data'], SOURCE_DATA)
    _settings(path, 'settings.', content.get('settings', {}))
    content['settings'] = {name: value for name, value in content.get('settings', {}).items() if value is not None}
    if 'conditions' in content:
        content['conditions'] = _conditions(path, content['conditions'], content['methods'])
    _analysis(path, content.get('analysis', {}), content['methods'])
    _reported(path, content.get('reported', {}))
    _known(path, 'execution.', content.get('execution', {}), EXECUTION)
    _kinds(path, 'execution.', content.get('execution', {}), EXECUTION)
    content['report'] = _report(path, content.get('report', {}))
    try:
        if content.get('tuning'):
            check_tuning(content['tuning'], list(content['methods']))
        declared = dict(content.get('seeding', {}))
        content['seeding'] = seeding(declared)
        for condition in content.get('conditions', {}).values():
            if own := condition.get('seeding'):
                condition['seeding'] = seeding(own if 'all' in own else declared | own)
    except ValueError as error:
        raise SuiteError(f'{path}: {error}') from None
    return Suite(**content)


def _no_key_twice(path: Path) -> None:
    """Checks that a file writes no key of a dict twice: Python keeps the last in silence."""
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except (SyntaxError, ValueError):
        return  # Told when it is read.
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            if twice := [key for place, key in enumerate(keys) if key in keys[:place]]:
                raise SuiteError(f'{path}:{node.lineno}: the key {twice[0]!r} stands twice in one dict, and only the '
                                 'last would count. Rename or remove one.')


def _seeds(path: Path, seeds: Any) -> list[int]:
    """The runs' numbers, of their number or a list of them."""
    remedy = 'give a number of seeds, or a list of whole numbers from 0 on without repetition, such as [0, 1, 2].'
    if whole(1).fits(seeds):
        return list(range(seeds))
    if not isinstance(seeds, (list, tuple)) or not seeds:
        raise SuiteError(f'{path}: seeds={seeds!r}: {remedy}')
    for seed in seeds:
        if not SEED.fits(seed):
            raise SuiteError(f'{path}: seeds={list(seeds)}: {seed!r} is no whole number from 0 on; {remedy}')
    if len(set(seeds)) != len(seeds):
        raise SuiteError(f'{path}: seeds={list(seeds)}: one stands twice; {remedy}')
    return list(seeds)


def _methods(path: Path, methods: Any) -> dict[str, dict]:
    if isinstance(methods, dict):
        entries = [*methods.items()]
    elif isinstance(methods, (list, tuple)):
        entries = [(name, {}) for name in methods]
        if twice := [name for place, name in enumerate(methods) if name in methods[:place]]:
            raise SuiteError(f'{path}: methods: {twice[0]!r} stands twice. Remove one, or give a dict with two names '
                             'and one config.')
    else:
        raise SuiteError(f'{path}: methods={methods!r}: give a dict or a list of names.')
    found = {}
    for name, entry in entries:
        if reason := unfit_name(name):
            raise SuiteError(f"{path}: methods: the name {name!r} {reason}. Rename it (a file's path goes into config, "
                             'what is shown into label).')
        _entry(path, f'methods.{name}', entry, METHOD)
        config = find_config('methods', entry.get('config', name), path.parent)
        _no_key_twice(config)
        if CONFIGS not in config.parents and str(config.parent) not in sys.path:
            # Modules that lie beside a method of one's own are found by its custom_imports.
            sys.path.append(str(config.parent))
        label = entry.get('label') or name.upper().replace('CTD_COM', 'CTD-Com').replace('_', '-')
        found[name] = dict(config=str(config), label=label, cfg_options=dict(entry.get('cfg_options') or {}))
    if not found:
        raise SuiteError(f'{path}: methods is empty. Name at least one of: {", ".join(names("methods"))}.')
    _labels_differ(path, 'methods', {name: entry['label'] for name, entry in found.items()})
    return found


def _conditions(path: Path, conditions: dict, methods: dict) -> dict[str, dict]:
    """A suite's conditions without the fields that are None."""
    if not conditions:
        raise SuiteError(f"{path}: conditions is empty. Give at least one, such as dict(all=dict(label='all labels')), "
                         'or leave the field out.')
    found = {}
    for name, condition in conditions.items():
        if reason := unfit_name(name):
            raise SuiteError(f'{path}: conditions: the name {name!r} {reason}. Rename it (what is shown goes into '
                             'label).')
        where = f'conditions.{name}'
        _entry(path, where, condition, CONDITION, SETTINGS)
        _settings(path, f'{where}.', condition, tuple(CONDITION))
        # A setting that is None goes before the suite's, another field that is None is as good as not there.
        found[name] = {key: value for key, value in condition.items() if value is not None or key in SETTINGS}
        for method, options in found[name].get('method_options', {}).items():
            if method not in methods:
                raise SuiteError(f'{path}: {where}.method_options.{method}: the suite has no such method. It has: '
                                 f'{", ".join(methods)}.')
            _kinds(path, f'{where}.method_options.', {method: options}, {method: OPTIONS})
    _labels_differ(path, 'conditions', {name: one.get('label', name) for name, one in found.items()})
    return found


def _labels_differ(path: Path, field: str, labels: dict[str, str]) -> None:
    """Checks that what stands in tables, figures and sentences tells methods, or conditions, apart."""
    if found := alike(labels.items()):
        one, other, label = found
        raise SuiteError(f'{path}: {field}.{one} and {field}.{other} are both labelled {label!r}, so that no table '
                         f'tells them apart. Give one another label, such as {field}.{other}.label='
                         f'{f"{label} ({other})"!r}.')


def _analysis(path: Path, content: dict, methods: dict) -> None:
    """Checks what is declared of the analysis with what the analysis itself reads it with."""
    _known(path, 'analysis.', content, ANALYSIS)
    try:
        read_options(content)
    except TableError as error:
        raise SuiteError(f'{path}: analysis.{error}.') from None
    for role in ('proposed', 'reference'):
        if (named := content.get(role)) is not None and named not in methods:
            raise SuiteError(f'{path}: analysis.{role}={named!r}: the suite has no such method. It has: '
                             f'{", ".join(methods)}. Name one, or set it to None.')
    if content.get('proposed') is not None and content['proposed'] == content.get('reference'):
        raise SuiteError(f'{path}: analysis.reference={content["reference"]!r} is the proposed method too. Name '
                         'another, or set one of them to None.')


def _reported(path: Path, content: dict) -> None:
    """Checks numbers that somebody reported; those of methods that the suite does not have are a base's."""
    for name, values in content.items():
        kind = Kind('a dict of numbers, such as dict(ME=0.86, SD=0.24)', lambda value: isinstance(value, dict) and all(
            one is None or FINITE.fits(one) for one in value.values()))
        _kinds(path, 'reported.', {name: values}, {name: kind})


def _settings(path: Path, prefix: str, content: dict, more: tuple[str, ...] = ()) -> None:
    _known(path, prefix, content, SETTINGS + more)
    # None: as in the methods' configs, whatever the suite or its base says.
    content = {name: value for name, value in content.items() if value is not None}
    for name, allowed in CHOICES.items():
        if content.get(name, allowed[0]) not in allowed:
            raise SuiteError(f'{path}: {prefix}{name}={content[name]!r} is unknown. Choose one of: '
                             f'{", ".join(map(str, allowed))}.')
    _kinds(path, prefix, content, KINDS)
    for name, known in PARTS.items():
        _known(path, f'{prefix}{name}.', content.get(name, {}), tuple(known))
        _kinds(path, f'{prefix}{name}.', content.get(name, {}), known)
    if 'epochs' in content and 'iterations' in content:
        raise SuiteError(f'{path}: {prefix}epochs and {prefix}iterations both set the length of training. Give one, '
                         'and set the other to None where a base suite has it.')


def _report(path: Path, content: dict) -> dict:
    """Checks the form; the command checks the sections themselves before anything runs."""
    _known(path, 'report.', content, REPORT)
    if not content:
        return {}
    for name, value in content.items():
        if not value or not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise SuiteError(f'{path}: report.{name}={value!r}: give a list of names.')
    return content | (dict(folder=str(path.parent)) if content.get('imports') else {})


def _known(path: Path, prefix: str, content: dict, known: Iterable[str]) -> None:
    if unknown := sorted(map(str, set(content) - set(known))):
        raise SuiteError(f'{path}: unknown field {prefix}{unknown[0]}. Known fields here: {", ".join(sorted(known))}.')


def _kinds(path: Path, prefix: str, content: dict, kinds: dict[str, Kind]) -> None:
    """Checks that each field that is there holds a value of its kind."""
    for name, kind in kinds.items():
        if name in content and not kind.fits(content[name]):
            raise SuiteError(f'{path}: {prefix}{name}={content[name]!r}: give {kind.words}.')


def _entry(path: Path, where: str, content: Any, kinds: dict[str, Kind], more: tuple[str, ...] = ()) -> None:
    """Checks one of a dict of entries and the kinds of its fields; None stands for none."""
    if not isinstance(content, dict):
        raise SuiteError(f'{path}: {where}={content!r}: give a dict, such as dict(label=...).')
    _known(path, f'{where}.', content, (*kinds, *more))
    _kinds(path, f'{where}.', {key: value for key, value in content.items() if value is not None}, kinds)


def _typed(path: Path, name: str, content: dict, kinds: dict[str, dict[str, Kind]]) -> None:
    kind = content.get('type')
    if kind not in kinds:
        raise SuiteError(f'{path}: {name}.type={kind!r} is unknown. Choose one of: {", ".join(kinds)}.')
    _known(path, f'{name}.', {k: v for k, v in content.items() if k != 'type'}, kinds[kind])
    _kinds(path, f'{name}.', content, kinds[kind])
    if missing := [key for key in kinds[kind] if key in NEEDED and key not in content]:
        raise SuiteError(f'{path}: {name}.{missing[0]} is missing, which {name}.type={kind!r} needs. Give '
                         f'{kinds[kind][missing[0]].words}.')
