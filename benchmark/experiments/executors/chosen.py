"""Which executor a word of ``--executor`` names: a known one, or a class of the user's own."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Mapping
from pathlib import Path

from .base import Executor, ExecutorError

#: Group of the entry points by which installed packages name executors.
ENTRY_POINTS = 'landmark_benchmark.executors'


def choose(name: str, known: Mapping[str, type[Executor]]) -> type[Executor]:
    """The executor that a word names.

    Args:
        name: A known one; one that an installed package names in the group ``landmark_benchmark.executors``; or
            ``FILE.py:CLASS`` or ``MODULE:CLASS``.
        known: Those that are shipped, by name.

    Raises:
        ExecutorError: There is none, its module fails, or it is no ``Executor``.
    """
    if name in known:
        return known[name]
    installed = {entry.name: entry for entry in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    try:
        if name in installed:
            found = installed[name].load()
        elif ':' in name:
            place, _, attribute = name.rpartition(':')
            found = getattr(_file(Path(place)) if place.endswith('.py') else importlib.import_module(place), attribute)
        else:
            raise ExecutorError(f'--executor: {name!r} is unknown. Give one of {", ".join([*known, *installed])}, or a '
                                'class of your own as FILE.py:CLASS.')
    except ExecutorError:
        raise
    except Exception as error:
        raise ExecutorError(f'--executor: {name}: {type(error).__name__}: {error}') from error
    if not (isinstance(found, type) and issubclass(found, Executor)) or inspect.isabstract(found):
        raise ExecutorError(f'--executor: {name} is no Executor with a method run. Derive it from '
                            'benchmark.experiments.executors.Executor.')
    return found


def _file(path: Path) -> object:
    """A user's file as a module."""
    spec = importlib.util.spec_from_file_location(f'executor_{path.stem}', path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
