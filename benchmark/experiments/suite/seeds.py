"""One number per run becomes a named seed per purpose: the sources of variance, each varied or held."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .fields import Part, changed

PURPOSES = ('init', 'order', 'augmentation', 'split')
VARIES, SHARED, FIXED = 'varies', 'shared', 'fixed'
Seeded = Literal['varies', 'shared', 'fixed']


@dataclass(frozen=True)
class Seeding(Part):
    """How the seed of each purpose comes about: it ``varies`` (each method and each seed draws its own), is ``shared``
    (each seed draws one, the same for all methods) or ``fixed`` (one for all runs).

    Attributes:
        all: All purposes that are not named.
        init: The initialisation of what does not start from the source.
        order: The order of the training images.
        augmentation: The views that are drawn of them.
        split: Which images are labelled, where a condition has fewer than there are.
    """

    all: Seeded = 'varies'
    init: Seeded | None = None
    order: Seeded | None = None
    augmentation: Seeded | None = None
    split: Seeded | None = None

    def purposes(self) -> dict[str, str]:
        """Purpose -> how its seed comes about."""
        return {purpose: getattr(self, purpose) or self.all for purpose in PURPOSES}

    def within(self, suites: 'Seeding') -> 'Seeding':
        """A condition's own seeding, where it names only some purposes: the others are as the suite says."""
        return self if 'all' in self.given else changed(suites, **self.given)

    @property
    def design(self) -> str:
        """``paired`` where seed s means the same to all methods in some purpose that varies, else ``nested``.

        Methods that share what a seed draws have correlated errors over seeds, and a comparison has to know.
        """
        return 'paired' if SHARED in self.purposes().values() else 'nested'


def derive_seeds(seed: int, method: str, purposes: Mapping[str, str]) -> dict[str, int]:
    """Derives the seeds of initialisation, order, augmentation and split.

    Args:
        seed: The run's number.
        method: The method's name.
        purposes: From :meth:`Seeding.purposes`.

    Returns:
        Purpose -> seed in [0, 2^31).
    """
    result = {}
    for purpose, kind in purposes.items():
        owner, number = (method if kind == VARIES else ''), (0 if kind == FIXED else seed)
        value = hashlib.sha256(f'{purpose}|{owner}|{number}'.encode()).digest()[:4]
        result[purpose] = int.from_bytes(value, 'big') % 2 ** 31
    return result
