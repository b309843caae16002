"""A source that is given, by a path or by the name of a known one, and the encoder that it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import benchmark
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.backbones import WORDS
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import GivenSource, TrainedSource
from benchmark.experiments.suite.suite import Suite

from .encoder import RESNETS


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
        suite = changed(suite, source=_known(suite.source, name))
    if isinstance(suite.source, GivenSource):
        suite, meta = _with_given_source(suite)
        said[suite.source.path] = meta
    methods, sources = {}, {}
    read: dict[str, tuple[GivenSource, dict[str, Any]]] = {}
    for name, method in suite.methods.items():
        if method.source and (chosen is None or name in chosen):
            if method.source not in read:
                read[method.source] = _found(GivenSource(path=method.source), f'methods.{name}.source')
            source, meta = read[method.source]
            said[source.path], sources[name] = meta, source
            word = word_of(meta.get('arch') or {})
            if word:
                _no_resnet(suite, name, word)
            if method.settings.backbone is None and (word or declared is None):
                # Where the source is a ResNet, the network that the suite's source has brought is not this method's.
                method = changed(method, settings=changed(method.settings, backbone=word))
        methods[name] = method
    return (changed(suite, methods=methods) if sources else suite), said, sources


def _no_resnet(suite: Suite, method: str, word: str) -> None:
    """Checks that nobody asks for a ResNet's depth or width of a method whose own source is another network.

    Raises:
        SuiteError: Its settings or a condition do.
    """
    places = {f'methods.{method}.settings': suite.methods[method].settings,
              **{f'conditions.{name}': one for name, one in suite.conditions.items()}}
    for place, settings in places.items():
        for name in ('depth', 'width'):
            if (value := getattr(settings, name)) is not None:
                raise SuiteError(f"{suite.name}: {place}.{name}={value}: the encoder of {method} is its own source's "
                                 f'network, {word}. Remove it, or give the method another source.')


def _known(source: TrainedSource, name: str) -> GivenSource:
    """The known source that a suite takes in the place of one that is trained.

    Raises:
        SuiteError: It can't be fetched; says what else there is.
    """
    try:
        path = place_of(name, 'source.known')
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


def _with_given_source(suite: Suite) -> tuple[Suite, dict[str, Any]]:
    """A suite whose source is a path, and whose methods have that source's network for an encoder.

    Where the checkpoint has no classifier, its pooled features stand for class scores unless the suite says otherwise.
    A known source is fetched where the cache does not have it. A network that the settings can name by a word becomes
    the methods' backbone, unless they name one, and the depth and width of the suite's ResNet are dropped, which is
    said; ResNets are fitted to their source run by run.

    Returns:
        The suite, and what the checkpoint says of itself.

    Raises:
        SuiteError: The source can't be fetched or read.
    """
    source, meta = _found(suite.source, 'source.path')
    suite = changed(suite, source=source)
    own = suite.settings
    if own.backbone is None and (word := word_of(meta.get('arch') or {})):
        dropped = [f'{name}={value}' for name in ('depth', 'width') if (value := getattr(own, name)) is not None]
        if dropped:
            print(f"note: the methods have the source's network, {word}, as their encoder; {' and '.join(dropped)} of "
                  "the suite's ResNet do not apply.")
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
    if path.exists() or not re.fullmatch(r'\w+', given):
        return path
    benchmark.register()
    from benchmark.models.convert import ConversionError
    from benchmark.models.convert.getting import get_source
    from benchmark.models.convert.packages import PACKAGES
    if given not in PACKAGES:
        raise SuiteError(f"{where}: {given!r} is no file and no known source. Known are {', '.join(PACKAGES)} "
                         '(tools/get_source.py --list).')
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
