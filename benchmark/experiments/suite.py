"""A suite: methods x conditions x seeds on a data set, with its analysis plan."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.config import config as mmengine_config

from benchmark.statistics.errors import TableError
from benchmark.statistics.options import read_options

from .seeds import design, seeding
from .tuning import check_tuning

CONFIGS = Path(__file__).resolve().parents[2] / 'mmconfigs'

#: What a suite may change of a method's config, by name; everything else goes through ``cfg_options``. ``iterations``
#: is the number of optimisation steps, rounded up to whole epochs: it trains alike with any number of images.
SETTINGS = ('depth', 'width', 'input_size', 'batch_size', 'epochs', 'iterations', 'lr', 'power', 'decoding',
            'hourglass', 'decoder_channels', 'channels_last', 'selection', 'val_interval', 'feature_cache',
            'precision', 'cuda_graphs', 'cfg_options')
CHOICES = {'depth': (18, 34, 50, 101, 152), 'selection': ('last', 'best_val'),
           'decoding': ('argmax', 'quarter', 'dark'), 'precision': ('float32', 'bfloat16')}
#: What kind of value a setting takes: in words, and how it is checked.
KINDS = {
    **dict.fromkeys(('width', 'batch_size', 'epochs', 'iterations', 'decoder_channels', 'val_interval'),
                    ('a whole number, 1 or more', lambda value: type(value) is int and value >= 1)),
    'input_size': ('width and height in pixels, such as (128, 128)',
                   lambda value: isinstance(value, (list, tuple)) and len(value) == 2
                   and all(type(side) is int and side >= 1 for side in value)),
    **dict.fromkeys(('lr', 'power'), ('a number above 0',
                                      lambda value: type(value) in (int, float) and 0 < value < float('inf'))),
    **dict.fromkeys(('channels_last', 'cuda_graphs'), ('True or False', lambda value: isinstance(value, bool))),
    **dict.fromkeys(('hourglass', 'feature_cache', 'cfg_options'), ('a dict', lambda value: isinstance(value, dict))),
}
#: Fields of settings that are dicts.
PARTS = {'hourglass': ('num_stacks', 'num_blocks', 'channels', 'depth'),
         'feature_cache': ('enabled', 'limit_gib', 'precision', 'resident_gib')}
#: What a suite declares of its analysis; see :class:`benchmark.statistics.options.Options`.
ANALYSIS = ('threshold', 'proposed', 'reference', 'margin', 'alpha', 'draws', 'seed', 'groups', 'missing_cap',
            'reported_images', 'value_label', 'success')
DATA = {'synthetic': ('train', 'val', 'test', 'image_size', 'seed'), 'prepared': ('root',)}
SOURCE = {'train': ('data', 'epochs', 'batch_size', 'lr', 'seed', 'label_smoothing', 'dropout', 'weight_decay'),
          'checkpoint': ('path',), 'random': ('seed', 'num_classes')}
SOURCE_DATA = {'synthetic': ('identities', 'shots', 'image_size', 'seed'), 'identities': ('root',)}
FIELDS = ('name', 'title', 'question', 'methods', 'seeds', 'data', 'source', 'settings', 'conditions', 'seeding',
          'analysis', 'reported', 'caution', 'workers', 'execution', 'report', 'tuning')
#: What a suite asks of the page: its sections in their order, and modules that register more of them.
REPORT = ('sections', 'imports')
#: How a suite's runs are executed; see :data:`benchmark.experiments.work.EXECUTION`. The engines' names
#: hold their own options (:mod:`benchmark.experiments.executors`), which they check themselves.
EXECUTION = ('retries', 'time_limit', 'save_every', 'keep_checkpoints', 'threads', 'source_threads', 'slurm',
             'ray', 'kubernetes')


class SuiteError(ValueError):
    """A suite that can't be planned: names the file, the field and the remedy."""


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
        seeding: Purpose -> how its seed comes about: see :func:`benchmark.experiments.seeds.seeding`.
        analysis: The analysis plan (:data:`ANALYSIS`): declared here, before there are results.
        reported: Method -> numbers that somebody reported for it.
        caution: What a reader must know before any number, or ''.
        workers: Runs at the same time where the command line does not say; small runs use two cores better apart.
        execution: How runs are executed: retries, time limit, states, SLURM's options (:data:`EXECUTION`).
        report: What the page shows (:data:`REPORT`), and the suite's folder, where modules are looked for.
        tuning: Tries per method, chosen on the validation split: see :func:`benchmark.experiments.tuning.check_tuning`.
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


def names(kind: str) -> list[str]:
    """Names of the shipped configs of a kind (``suites``, ``methods``); those in sub-folders come last."""
    return list(_shipped(kind))


def _shipped(kind: str) -> dict[str, Path]:
    paths = sorted((CONFIGS / kind).rglob('*.py'), key=lambda path: (len(path.parts), path.stem))
    return {path.stem: path for path in paths}


def merged(settings: dict, condition: dict) -> dict:
    """A condition's settings: the suite's with the condition's own; the one that sets the training's length counts."""
    own = {k: v for k, v in condition.items() if k in SETTINGS}
    length = {'epochs', 'iterations'}
    result = {k: v for k, v in settings.items() if k not in length or not length & set(own)} | own
    for key in ('cfg_options', 'hourglass'):
        if key in own:
            result[key] = (settings.get(key) or {}) | (own[key] or {})
    return {name: value for name, value in result.items() if value is not None}


def find_config(kind: str, name: str, beside: Path = Path()) -> Path:
    """The path of a config by name or path.

    Args:
        kind: ``suites`` or ``methods``.
        name: A shipped config's name, whichever sub-folder it is in, or a path.
        beside: Folder that a relative path starts from.

    Raises:
        SuiteError: There is none; lists the names there are.
    """
    shipped = _shipped(kind)
    for path in (shipped.get(name, CONFIGS / kind / f'{name}.py'), beside / name):
        if path.is_file():
            return path.resolve()
    if name.endswith('.py'):
        raise SuiteError(f'{(beside / name).absolute()}: no such file. Correct the path of this {kind[:-1]}.')
    raise SuiteError(f'{name}: no such {kind[:-1]}. There are: {", ".join(shipped)}; or give a path to a .py file.')


def unformatted(cfg: Config) -> Config:
    """The same config, whose text is not laid out by yapf: that takes a fifth of a second, six times a run."""
    return Config(cfg.to_dict(), format_python_code=False)


def read_config(path: str | Path, **options: Any) -> Config:
    """Reads a config file.

    Args:
        path: The file.
        options: Of ``Config.fromfile``.

    Raises:
        SuiteError: It does not load; says why, and for a base that is not there what to write.
    """
    try:
        with _quiet():
            return unformatted(Config.fromfile(path, **options))
    except Exception as error:
        remedy = ''
        base = re.search(r'mmconfigs/[^\'"]*', str(error)) if isinstance(error, FileNotFoundError) else None
        if base and (CONFIGS.parent / base[0]).is_file():
            remedy = (f" A _base_ is looked for from the folder of its file; give this one's whole path: "
                      f"'{CONFIGS.parent / base[0]}'.")
        raise SuiteError(f'{path}: does not load as a config ({type(error).__name__}: {error}).{remedy}') from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps MMEngine from telling of every variable that it fills into a config, for which it would import torch."""
    before = mmengine_config.print_log

    def said(message: str, logger: Any = None, level: int = logging.INFO) -> None:
        if level > logging.INFO:
            before(message, logger, level)

    mmengine_config.print_log = said
    try:
        yield
    finally:
        mmengine_config.print_log = before


def load_suite(name: str) -> Suite:
    """Reads and checks a suite.

    Raises:
        SuiteError: An unknown, missing or ill-typed field; names it and the remedy.
    """
    path = find_config('suites', name)
    content = read_config(path).to_dict()
    content.setdefault('name', path.stem)
    for required in ('methods', 'seeds', 'data', 'source'):
        if required not in content:
            raise SuiteError(f'{path}: field {required!r} is missing. See mmconfigs/suites/demo.py for an example.')
    _known(path, '', content, FIELDS)
    content['methods'] = _methods(path, content['methods'])
    seeds = content['seeds']
    content['seeds'] = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    content.setdefault('title', content['name'])
    content.setdefault('question', '')
    _typed(path, 'data', content['data'], DATA)
    _typed(path, 'source', content['source'], SOURCE)
    if content['source']['type'] == 'train':
        _typed(path, 'source.data', content['source'].get('data') or {}, SOURCE_DATA)
    _settings(path, 'settings.', content.get('settings', {}))
    content['settings'] = {name: value for name, value in content.get('settings', {}).items() if value is not None}
    for name, condition in content.get('conditions', {}).items():
        _settings(path, f'conditions.{name}.', condition, ('label', 'value', 'num_labels', 'method_options', 'seeding'))
        if stray := sorted(set(condition.get('method_options', {})) - set(content['methods'])):
            raise SuiteError(f'{path}: conditions.{name}.method_options.{stray[0]}: the suite has no such method. It '
                             f'has: {", ".join(content["methods"])}.')
    _known(path, 'analysis.', content.get('analysis', {}), ANALYSIS)
    try:
        read_options(content.get('analysis', {}))
    except TableError as error:
        raise SuiteError(f'{path}: analysis.{error}.') from None
    for role in ('proposed', 'reference'):
        if (named := content.get('analysis', {}).get(role)) is not None and named not in content['methods']:
            raise SuiteError(f'{path}: analysis.{role}={named!r}: the suite has no such method. It has: '
                             f'{", ".join(content["methods"])}. Name one, or set it to None.')
    _execution(path, content.get('execution', {}))
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
    suite = Suite(**content)
    if not isinstance(suite.workers, int) or suite.workers < 1:
        raise SuiteError(f'{path}: workers={suite.workers!r}: give a number of runs at the same time, 1 or more.')
    if not suite.seeds or len(set(suite.seeds)) != len(suite.seeds):
        raise SuiteError(f'{path}: seeds={suite.seeds}: give a number of seeds, or a list without repetition.')
    return suite


def _methods(path: Path, methods) -> dict[str, dict]:
    entries = methods.items() if isinstance(methods, dict) else ((m, {}) for m in methods)
    found = {}
    for name, entry in entries:
        _known(path, f'methods.{name}.', entry, ('config', 'label', 'cfg_options'))
        config = find_config('methods', str(entry.get('config', name)), path.parent)
        if CONFIGS not in config.parents and str(config.parent) not in sys.path:
            # Modules that lie beside a method of one's own are found by its custom_imports.
            sys.path.append(str(config.parent))
        label = entry.get('label') or name.upper().replace('CTD_COM', 'CTD-Com').replace('_', '-')
        found[name] = dict(config=str(config), label=label, cfg_options=dict(entry.get('cfg_options', {})))
    if not found:
        raise SuiteError(f'{path}: methods is empty. Name at least one of: {", ".join(names("methods"))}.')
    return found


def _settings(path: Path, prefix: str, content: dict, more: tuple[str, ...] = ()) -> None:
    _known(path, prefix, content, SETTINGS + more)
    # None: as in the methods' configs, whatever the suite or its base says.
    content = {name: value for name, value in content.items() if value is not None}
    for name, allowed in CHOICES.items():
        if content.get(name, allowed[0]) not in allowed:
            raise SuiteError(f'{path}: {prefix}{name}={content[name]!r} is unknown. Choose one of: '
                             f'{", ".join(map(str, allowed))}.')
    for name, (kind, fits) in KINDS.items():
        if name in content and not fits(content[name]):
            raise SuiteError(f'{path}: {prefix}{name}={content[name]!r}: give {kind}.')
    for name, known in PARTS.items():
        _known(path, f'{prefix}{name}.', content.get(name, {}), known)
    if 'epochs' in content and 'iterations' in content:
        raise SuiteError(f'{path}: {prefix}epochs and {prefix}iterations both set the length of training. Give one, '
                         'and set the other to None where a base suite has it.')


def _execution(path: Path, content: dict) -> None:
    _known(path, 'execution.', content, EXECUTION)
    retries, limit, every = (content.get(k, d) for k, d in (('retries', 0), ('time_limit', None), ('save_every', 1)))
    if not isinstance(retries, int) or retries < 0:
        raise SuiteError(f'{path}: execution.retries={retries!r}: give a number of tries after the first, 0 or more.')
    for name in ('threads', 'source_threads'):
        if not isinstance(content.get(name, 1), int) or content.get(name, 1) < 1:
            raise SuiteError(f'{path}: execution.{name}={content[name]!r}: give a number of threads, 1 or more.')
    for name, value in (('time_limit', limit), ('save_every', every)):
        if value is not None and not (isinstance(value, (int, float)) and (value > 0 or name == 'save_every')):
            raise SuiteError(f'{path}: execution.{name}={value!r}: give seconds, or None.')


def _report(path: Path, content: dict) -> dict:
    """Checks the sections now, so that a misspelt one does not show after the runs."""
    _known(path, 'report.', content, REPORT)
    if not content:
        return {}
    for name, value in content.items():
        if not value or not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise SuiteError(f'{path}: report.{name}={value!r}: give a list of names.')
    from reports.sections import SectionError, chosen, load  # only where a suite asks: it draws in matplotlib
    try:
        load(content.get('imports', []), path.parent)
        chosen(content.get('sections'))
    except SectionError as error:
        raise SuiteError(f'{path}: report: {error}.') from None
    return content | (dict(folder=str(path.parent)) if content.get('imports') else {})


def _known(path: Path, prefix: str, content: dict, known: tuple[str, ...]) -> None:
    if unknown := sorted(set(content) - set(known)):
        raise SuiteError(f'{path}: unknown field {prefix}{unknown[0]}. Known fields here: {", ".join(sorted(known))}.')


def _typed(path: Path, name: str, content: dict, kinds: dict[str, tuple[str, ...]]) -> None:
    kind = content.get('type')
    if kind not in kinds:
        raise SuiteError(f'{path}: {name}.type={kind!r} is unknown. Choose one of: {", ".join(kinds)}.')
    _known(path, f'{name}.', {k: v for k, v in content.items() if k != 'type'}, kinds[kind])
