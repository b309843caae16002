"""A suite: methods x conditions x seeds on a data set, with its analysis plan."""

import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from benchmark.experiments.errors import SuiteError

from .configs import CONFIGS, find_config, names, read_config
from .fields import Mistake, Part, at, changed
from .inputs import Data, Source
from .kinds import SEED, ConfigValues, Kind, Numbers, alike, unfit_name, whole
from .model import Analysis, Condition, Execution, Method, Report, Settings
from .seeds import Seeding
from .tuning import Tuning

#: Old names of fields, by dotted path -> their names now. They work until version 1.0.
FORMER = {'tuning.tries': 'trials'}
SOME_METHODS = Kind('a list of methods, [] for none',
                    lambda value: isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value))
SEEDS = Kind('a number of seeds, or a list of whole numbers from 0 on without repetition, such as [0, 1, 2]',
             lambda value: isinstance(value, list))


@dataclass(frozen=True)
class Suite(Part):
    """A validated suite.

    Attributes:
        methods: The methods, by name: a dict, or a list of names of shipped ones.
        seeds: Their number, or a list; each method is trained once with each. In a cross-validation (`data.folds`) the
            repetitions, as `data.repeats` says.
        data: The target task's data, with `type` and what belongs to it.
        source: The source network, with `type` and what belongs to it.
        name: What plan and messages call it. Default: the file's name.
        title: Heading of the report. Default: the name.
        question: What the suite answers, in one sentence.
        caution: What a reader must know before any number.
        settings: What is changed of all methods' configs, by name.
        conditions: The conditions, by name; the first is the main one. Default: one with all labels.
        seeding: Which seeds the methods share.
        analysis: The analysis plan, declared before there are results: `docs/statistics.md`.
        reported: Method -> numbers that somebody reported for it: `ME`, `SD`, `FR` (percent), `AUC`.
        tuning: Trials per method, one of which each seed chooses on the validation split. Default: nothing is
            tuned.
        ensembles: Methods whose seeds' networks are also averaged, for a section of the page; it trains nothing.
            Default: all that have two seeds or more.
        workers: Runs at the same time on CPUs, where `--workers` does not say; small runs use two cores better apart.
        execution: How runs are executed: `docs/reliability.md`.
        report: What the page shows.
        file: The suite's file.
        overrides: Config values of the command line, which go before everything else.
        data_replaced: Whether the data are the command line's, not those that the suite was written for.
        source_replaced: Whether the source is the command line's.
    """

    NOT_DECLARED: ClassVar[tuple[str, ...]] = ('file', 'overrides', 'data_replaced', 'source_replaced')

    methods: dict[str, Method]
    seeds: Annotated[list[int], SEEDS]
    data: Data
    source: Source
    name: str = ''
    title: str = ''
    question: str = ''
    caution: str = ''
    settings: Settings = Settings()
    seeding: Seeding = Seeding()
    conditions: dict[str, Condition] = field(default_factory=lambda: {'all': Condition(label='all labels')})
    analysis: Analysis = Analysis()
    reported: dict[str, Numbers] = field(default_factory=dict)
    tuning: Tuning | None = None
    ensembles: Annotated[tuple[str, ...], SOME_METHODS] | None = None
    workers: Annotated[int, Kind('a number of runs at the same time, 1 or more', whole(1).fits)] = 1
    execution: Execution = Execution()
    report: Report = Report()
    file: Path = Path()
    overrides: ConfigValues = field(default_factory=dict)
    data_replaced: bool = False
    source_replaced: bool = False

    @property
    def paths(self) -> list[str]:
        """Folders of the methods' configs that are not shipped, and of a suite that names modules of its own; modules
        beside them can be imported."""
        folders = {Path(method.config).parent for method in self.methods.values()}
        if any(key.split('.')[0] == 'custom_imports' for key in self.settings.cfg_options or ()):
            folders.add(self.file.parent.resolve())
        return sorted(str(folder) for folder in folders if CONFIGS not in folder.parents)

    @property
    def page(self) -> dict[str, Any]:
        """What a plan holds of the report: where modules of it are named, the suite's folder too."""
        return self.report.given | (dict(folder=str(self.file.parent)) if self.report.imports else {})

    @property
    def design(self) -> str:
        """``paired`` where a seed means the same to all methods in anything that varies, else ``nested``."""
        kinds = {self.seeding_of(name).design for name in self.conditions}
        return 'paired' if 'paired' in kinds else 'nested'

    def seeding_of(self, condition: str) -> Seeding:
        """Which seeds the methods share under a condition."""
        own = self.conditions[condition].seeding
        return own.within(self.seeding) if own else self.seeding

    def settings_of(self, condition: str, method: str) -> Settings:
        """The settings of a method under a condition."""
        return self.settings.under(self.conditions[condition]).under(self.methods[method].settings)

    def agree(self) -> None:
        """Checks what no field says alone, once methods and conditions have their labels.

        Raises:
            Mistake: Fields that contradict each other.
        """
        for kind, labelled in (('methods', self.methods), ('conditions', self.conditions)):
            _labels_differ(kind, {name: one.label for name, one in labelled.items()})
        for name, condition in self.conditions.items():
            self.settings.under(condition).check(f'conditions.{name}')
            for method in self.methods:
                self.settings_of(name, method).check(f'methods.{method}.settings')
            for method in condition.method_options:
                self._has(method, f'conditions.{name}.method_options.{method}')
        for role in ('proposed', 'reference'):
            if (named := getattr(self.analysis, role)) is not None:
                self._has(named, f'analysis.{role}={named!r}', ' Name one, or set it to None.')
        for pair in self.analysis.pairs or ():
            for named in pair:
                self._has(named, f'analysis.pairs={pair!r}')
            if pair == (self.analysis.reference, self.analysis.proposed):
                raise Mistake(f'analysis.pairs={pair!r}: is the wrong way round: {pair[1]} is the proposed method. '
                              'Write it first, or set proposed and reference to None.')
        if self.analysis.proposed is not None and self.analysis.proposed == self.analysis.reference:
            raise Mistake(f'analysis.reference={self.analysis.reference!r} is the proposed method too. Name another, '
                          'or set one of them to None.')
        if self.tuning:
            self.tuning.fit(self.methods)
        for name in self.ensembles or ():
            self._has(name, f'ensembles has {name!r}')
        if self.ensembles and not self.execution.keep_checkpoints:
            raise Mistake('ensembles: no network is kept with execution.keep_checkpoints=False. Leave out one of them.')
        self._folds_fit()

    def _folds_fit(self) -> None:
        """Checks that a cross-validation is asked nothing that it can't do."""
        if not self.data.folds:
            if self.data.repeats is not None:
                raise Mistake(f'data.repeats={self.data.repeats}: there are no folds to repeat. Give data.folds, or '
                              'seeds.')
            return
        if self.tuning:
            raise Mistake('tuning: trials are compared on one validation split, and a cross-validation has one for '
                          'each fold. Leave out tuning or data.folds.')
        if self.ensembles:
            raise Mistake('ensembles: the networks of a cross-validation have each seen other images, so that none are '
                          'averaged. Leave out ensembles or data.folds.')
        if self.analysis.sequential:
            raise Mistake('analysis.sequential: looks add seeds, and repetitions of a cross-validation draw on the '
                          'same persons again. Leave it out.')

    def _has(self, method: str, place: str, remedy: str = '') -> None:
        if method not in self.methods:
            raise Mistake(f'{place}: the suite has no such method. It has: {", ".join(self.methods)}.{remedy}')


def load_suite(name: str) -> Suite:
    """Reads and checks a suite.

    Raises:
        SuiteError: An unknown, missing or ill-typed field; names it and the remedy.
    """
    path = find_config('suites', name)
    _no_key_twice(path)
    content = read_config(path).to_dict()
    content.setdefault('name', path.stem)
    _rename(path, content)
    try:
        _tidy(content)
        suite = Suite.read(content)
        suite = changed(suite, file=path, title=suite.title or suite.name, methods={
            name: _found(name, method, path) for name, method in suite.methods.items()}, conditions={
            name: changed(one, label=one.label or name) for name, one in suite.conditions.items()})
        suite.agree()
        sys.path += [folder for folder in suite.paths if folder not in sys.path]
    except Mistake as error:
        raise SuiteError(f'{path}: {error}') from None
    return suite


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


def _rename(path: Path, content: dict[str, Any]) -> None:
    """Gives fields under an old name the name that they have now, and says so on standard error."""
    for former, name in FORMER.items():
        where, _, old = former.rpartition('.')
        node = content.get(where)
        if not isinstance(node, dict) or old not in node:
            continue
        now = at(where, name)
        print(f'warning: {path}: {former} is called {now} now; the old name works until version 1.0.', file=sys.stderr)
        # A base's field stands before what is written over it: of both names the later one counts.
        later = [key for key in node if key in (old, name)][-1]
        value = node[later]
        node.pop(name, None)
        content[where] = {name if key == old else key: value if key == old else one for key, one in node.items()}


def _tidy(content: dict[str, Any]) -> None:
    """Brings what can be written in several ways into one, and checks names.

    Raises:
        Mistake: What can't be meant by any of them.
    """
    if isinstance(data := content.get('data'), dict) and data.get('folds'):
        content['seeds'] = _repetitions(data, content.get('seeds'))
    if 'seeds' in content:
        content['seeds'] = _seeds(content['seeds'])
    methods = content.get('methods', {})
    if isinstance(methods, (list, tuple)):
        if twice := [name for place, name in enumerate(methods) if name in methods[:place]]:
            raise Mistake(f'methods: {twice[0]!r} stands twice. Remove one, or give a dict with two names and one '
                          'config.')
        content['methods'] = methods = {name: {} for name in methods}
    if not isinstance(methods, dict):
        raise Mistake(f'methods={methods!r}: give a dict or a list of names.')
    if 'methods' in content and not methods:
        raise Mistake(f'methods is empty. Name at least one of: {", ".join(names("methods"))}.')
    if content.get('conditions') == {}:
        raise Mistake("conditions is empty. Give at least one, such as dict(all=dict(label='all labels')), or leave "
                      'the field out.')
    for field_, entries in (('methods', methods), ('conditions', content.get('conditions'))):
        for name in entries if isinstance(entries, dict) else ():
            if reason := unfit_name(name):
                file = "a file's path goes into config, " if field_ == 'methods' else ''
                raise Mistake(f'{field_}: the name {name!r} {reason}. Rename it ({file}what is shown goes into label).')
    if content.get('tuning') == {}:
        content.pop('tuning')


def _repetitions(data: dict[str, Any], seeds: Any) -> Any:
    """The seeds of a cross-validation, which are its repetitions, whatever a suite inherits."""
    repeats = data.get('repeats') or 1
    if seeds not in (None, repeats):
        print(f'note: seeds={seeds!r}: in a cross-validation seeds are its repetitions, {repeats!r} (data.repeats).',
              file=sys.stderr)
    return repeats


def _seeds(seeds: Any) -> list[int]:
    """The runs' numbers, of their number or a list of them."""
    if whole(1).fits(seeds):
        return list(range(seeds))
    if not isinstance(seeds, (list, tuple)) or not seeds:
        raise Mistake(f'seeds={seeds!r}: give {SEEDS.words}.')
    for seed in seeds:
        if not SEED.fits(seed):
            raise Mistake(f'seeds={list(seeds)}: {seed!r} is no whole number from 0 on; give {SEEDS.words}.')
    if len(set(seeds)) != len(seeds):
        raise Mistake(f'seeds={list(seeds)}: one stands twice; give {SEEDS.words}.')
    return list(seeds)


def _found(name: str, method: Method, suite: Path) -> Method:
    """A method with the path of its config and a label."""
    config = find_config('methods', method.config or name, suite.parent)
    _no_key_twice(config)
    if CONFIGS not in config.parents and str(config.parent) not in sys.path:
        # Modules that lie beside a method of one's own are found by its custom_imports.
        sys.path.append(str(config.parent))
    label = method.label or name.upper().replace('CTD_COM', 'CTD-Com').replace('_', '-')
    return changed(method, config=str(config), label=label)


def _labels_differ(field_: str, labels: dict[str, str]) -> None:
    """Checks that what stands in tables, figures and sentences tells methods, or conditions, apart."""
    if found := alike(labels.items()):
        one, other, label = found
        raise Mistake(f'{at(field_, one)} and {at(field_, other)} are both labelled {label!r}, so that no table tells '
                      f'them apart. Give one another label, such as {at(field_, other)}.label='
                      f'{f"{label} ({other})"!r}.')
