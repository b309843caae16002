"""A source that is given, by a path or by the name of a known one, and the encoder that it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import benchmark
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.backbones import WORDS
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import GivenSource, TrainedSource
from benchmark.experiments.suite.model import Settings
from benchmark.experiments.suite.suite import Suite
from benchmark.experiments.suite.written import written

from .encoder import RESNETS, WIDTH
from .network import described


def with_given_sources(suite: Suite, chosen: Sequence[str] | None = None) -> tuple[
        Suite, dict[str, dict[str, Any]], dict[str, GivenSource]]:
    """A suite whose sources, where they are given, are paths, and whose methods have their source's network.

    Args:
        suite: The suite.
        chosen: Names of the methods that are trained; None takes all. The sources of others are not looked at.

    Returns:
        The suite; what each checkpoint says of itself, by path; and the source of each method that has its own.

    Raises:
        SuiteError: A source can't be fetched or read, or settings name another network than a method's own source has.
    """
    declared = suite.settings.backbone
    said: dict[str, dict[str, Any]] = {}
    if isinstance(suite.source, TrainedSource) and (name := suite.source.known):
        suite = changed(suite, source=_known(suite, suite.source, name))
    if isinstance(suite.source, GivenSource):
        suite, meta = _with_given_source(suite, chosen)
        said[suite.source.path] = meta
    methods, sources = {}, {}
    read: dict[str, tuple[GivenSource, dict[str, Any]]] = {}
    for name, method in suite.methods.items():
        if method.source and (chosen is None or name in chosen):
            if method.source not in read:
                read[method.source] = _found(GivenSource(path=method.source), where_said(suite, name))
            source, meta = read[method.source]
            said[source.path], sources[name] = meta, source
            word = word_of(meta.get('arch') or {})
            _fit(suite, meta.get('arch') or {}, {f'methods.{name}.settings': method.settings, **_conditions(suite)},
                 f"the encoder of {name} is its own source's network", 'give the method another source')
            if method.settings.backbone is None and (word or declared is None):
                # Where the source is a ResNet, the network that the suite's source has brought is not this method's.
                method = changed(method, settings=changed(method.settings, backbone=word))
        methods[name] = method
    return (changed(suite, methods=methods) if sources else suite), said, sources


def where_said(suite: Suite, method: str = '') -> str:
    """Where a source is given: the command line's option, or file and field; a method's own where one is named."""
    if suite.source_replaced and not method:
        return '--source'
    return f'{suite.file}: {f"methods.{method}.source" if method else "source.path"}'


def _conditions(suite: Suite) -> dict[str, Settings]:
    return {f'conditions.{name}': one for name, one in suite.conditions.items()}


def _fit(suite: Suite, arch: dict[str, Any], places: Mapping[str, Settings], why: str, remedy: str) -> None:
    """Checks that nobody asks for another depth or width than that of the network of a source that is given.

    Args:
        suite: The suite.
        arch: What the checkpoint says of its network.
        places: What is said of the encoder, by where it is said.
        why: Whose network it is.
        remedy: What else can be done than to remove it.

    Raises:
        SuiteError: Somebody does.
    """
    for place, settings in places.items():
        if settings.backbone is None and (unfit := _unfit(arch, settings)):
            (name, value), network = next(iter(unfit.items())), word_of(arch) or described(arch)
            raise SuiteError(f'{suite.file}: {place}.{name}={value}: {why}, {network}. Remove it, or {remedy}.')


def _unfit(arch: dict[str, Any], settings: Settings) -> dict[str, int]:
    """What settings say of a ResNet's depth and width that is not so in the network of a source, if it says so."""
    asked = {name: value for name in ('depth', 'width') if (value := getattr(settings, name)) is not None}
    if word_of(arch):
        return asked
    there = dict(depth=arch.get('depth'), width=arch.get('base_channels', WIDTH)) if 'depth' in arch else {}
    return {name: value for name, value in asked.items() if value != there.get(name, value)}


def _known(suite: Suite, source: TrainedSource, name: str) -> GivenSource:
    """The known source that a suite takes in the place of one that is trained.

    Raises:
        SuiteError: It can't be fetched; says what else there is.
    """
    try:
        path = place_of(name, f'{suite.file}: source.known')
    except SuiteError as error:
        raise SuiteError(f'{error} Without it, train a source on faces of other people (--source-data FOLDER), or give '
                         'one (--source FILE).') from None
    print(f'note: source {name} (the default of this suite; --source train with --source-data FOLDER trains one)')
    return GivenSource(path=str(path), judge=source.judge)


def _found(source: GivenSource, where: str) -> tuple[GivenSource, dict[str, Any]]:
    """A source with its path and what its class scores are, and what the checkpoint says of itself."""
    path = place_of(source.path, where)
    content = read_source(path, where)
    logits = source.logits or ('classifier' if 'classifier.weight' in content['state_dict'] else 'pooled')
    return changed(source, path=str(path), logits=logits), content.get('meta') or {}


def _with_given_source(suite: Suite, chosen: Sequence[str] | None) -> tuple[Suite, dict[str, Any]]:
    """A suite whose source is a path, and whose methods have that source's network for an encoder.

    Where the checkpoint has no classifier, its pooled features stand for class scores unless the suite says otherwise.
    A known source is fetched where the cache does not have it. A network that the settings can name by a word becomes
    the methods' backbone, unless they name one; ResNets are fitted to their source run by run. The depth and width of
    another network are dropped where they come with a shipped suite, with a note where the source is the command
    line's, and refused where the suite's author wrote both.

    Returns:
        The suite, and what the checkpoint says of itself.

    Raises:
        SuiteError: The source can't be fetched or read, or the suite asks for another network.
    """
    source, meta = _found(suite.source, where_said(suite))
    suite = changed(suite, source=source)
    own, arch = suite.settings, meta.get('arch') or {}
    if own.backbone is not None:
        return suite, meta
    why, remedy = "the encoder is the source's network", 'give another source'
    _fit(suite, arch, {**_conditions(suite), **{
        f'methods.{name}.settings': one.settings for name, one in suite.methods.items()
        if not one.source and (chosen is None or name in chosen)}}, why, remedy)
    if unfit := _unfit(arch, own):
        ours = {name: unfit[name] for name in sorted(unfit.keys() & written(suite.file, own.given))}
        if ours and not suite.source_replaced:
            _fit(suite, arch, dict(settings=changed(Settings(), **ours)), why, remedy)
        for name, value in ours.items():
            print(f'note: settings.{name}={value} of {suite.file.name} does not apply: {why}, '
                  f'{word_of(arch) or described(arch)} (--source)')
    if word := word_of(arch):
        suite = changed(suite, settings=changed(own, backbone=word, depth=None, width=None))
    return suite, meta


def place_of(given: str, where: str = 'source.path') -> Path:
    """The checkpoint that a path or the name of a known source stands for.

    Args:
        given: What the suite says.
        where: The field in which it says so.

    Raises:
        SuiteError: A name that is not known, or a known source that can't be fetched.
    """
    path = Path(given).expanduser()
    if path.exists() or not re.fullmatch(r'[\w-]+', given):
        return path
    benchmark.register()
    from benchmark.models.convert import ConversionError
    from benchmark.models.convert.getting import get_source, instead
    from benchmark.models.convert.packages import PACKAGES
    if given not in PACKAGES:
        raise SuiteError(f'{where}: {given!r} is no file and no known source. {instead(given)} (tools/get_source.py '
                         '--list); give one of these, or the path of a checkpoint.')
    try:
        return get_source(given, say=print)[0]
    except ConversionError as error:
        raise SuiteError(f'{where}: {error}') from None


def read_source(path: Path, where: str = 'source.path') -> dict[str, Any]:
    """A source checkpoint: ``state_dict``, and ``meta``, what it says of itself.

    Raises:
        SuiteError: It is missing, or no source.
    """
    benchmark.register()
    from benchmark.models.source import SourceError, load_source_checkpoint
    try:
        return load_source_checkpoint(path)
    except SourceError as error:
        raise SuiteError(f'{where}: {error}') from None


def word_of(arch: dict[str, Any]) -> str | None:
    """The word by which settings name a network other than a ResNet, whichever maps it gives; None where there is none.
    """
    if arch.get('type') in RESNETS:
        return None
    network = {key: value for key, value in arch.items() if key != 'out_indices'}
    return next((word for word, backbone in WORDS.items() if backbone.network == network), None)
