"""The sections of the page: one module per subject, found through the registry."""

from . import about, headline, results, samples  # noqa: F401  (registers the sections)
from .base import SECTIONS, Section, Skip, register

#: The page's order; a section that is not named here comes after these, as registered.
ORDER = ('headline', 'table1', 'ced', 'contrasts', 'sensitivity', 'variance', 'ranking', 'significance', 'conditions',
         'landmarks', 'agreement', 'subgroups', 'training', 'samples', 'reported', 'ablations', 'runs', 'methods',
         'data', 'settings', 'environment', 'limits')


def ordered() -> list[type[Section]]:
    """All registered sections in the page's order."""
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(SECTIONS.values(), key=lambda section: places.get(section.name, len(places)))


__all__ = ['ORDER', 'SECTIONS', 'Section', 'Skip', 'ordered', 'register']
