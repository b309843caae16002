"""The sections of the page: one module per subject, found through the registry."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from . import (  # noqa: F401  (registers the sections)
    ablations,
    about,
    agreement,
    averaging,
    checklist,
    classes,
    contrasts,
    folds,
    headline,
    landmarks,
    looks,
    methods,
    ranking,
    reported,
    results,
    samples,
    sensitivity,
    significance,
    subgroups,
    success,
    training,
    trust,
    tuning,
    variance,
)
from .base import SECTIONS, Section, SectionError, Skip, register

#: The page's order; a section that is not named here comes after these, as registered.
ORDER = ('headline', 'table1', 'ced', 'contrasts', 'folds', 'looks', 'success', 'sensitivity', 'variance', 'ranking',
         'significance', 'conditions', 'landmarks', 'averaging', 'trust', 'agreement', 'classes', 'subgroups',
         'training', 'tuning', 'samples', 'reported', 'ablations', 'runs', 'methods', 'data', 'settings',
         'environment', 'paragraph', 'checklist', 'limits')


def ordered() -> list[type[Section]]:
    """All registered sections in the page's order."""
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(SECTIONS.values(), key=lambda section: places.get(section.name, len(places)))


def chosen(names: Sequence[str] | None = None) -> list[type[Section]]:
    """The sections of a page: those named, in that order, or all.

    Raises:
        SectionError: A name that is unknown or there twice; lists the known ones.
    """
    if names is None:
        return ordered()
    known = [section.name for section in ordered()]
    for place, name in enumerate(names):
        if name not in SECTIONS:
            raise SectionError(f'no section {name!r}; there are {", ".join(known)}')
        if name in names[:place]:
            raise SectionError(f'section {name!r} is named twice')
    return [SECTIONS[name] for name in names]


def load(modules: Sequence[str], folder: str | Path | None = None) -> None:
    """Import modules that register sections.

    Args:
        modules: Their names, as in an import statement.
        folder: Where they are looked for after Python's own path: the folder of the suite that names them.

    Raises:
        SectionError: A module is not there or can't be imported.
    """
    added = [str(folder)] if folder and str(folder) not in sys.path else []
    sys.path.extend(added)
    try:
        for name in modules:
            try:
                importlib.import_module(name)
            except Exception as error:
                where = f' (looked for on the Python path and in {folder})' if folder else ''
                raise SectionError(f'module {name!r} of sections{where}: {type(error).__name__}: {error}') from error
    finally:
        for entry in added:
            sys.path.remove(entry)


__all__ = ['ORDER', 'SECTIONS', 'Section', 'SectionError', 'Skip', 'chosen', 'load', 'ordered', 'register']
