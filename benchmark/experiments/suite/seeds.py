"""One number per run becomes a named seed per purpose: the sources of variance, each varied or held."""

from __future__ import annotations

import hashlib

PURPOSES = ('init', 'order', 'augmentation', 'split')
VARIES, SHARED, FIXED = 'varies', 'shared', 'fixed'
KINDS = (VARIES, SHARED, FIXED)


def seeding(declared: dict[str, str]) -> dict[str, str]:
    """How the seed of each purpose comes about.

    Args:
        declared: Purpose -> ``varies`` (each method and each seed draws its own), ``shared`` (each seed draws one, the
            same for all methods) or ``fixed`` (one for all runs). What is not named varies; ``all`` names the rest.

    Raises:
        ValueError: Unknown purpose or kind.
    """
    declared = dict(declared)
    result = dict.fromkeys(PURPOSES, declared.pop('all', VARIES)) | declared
    for purpose, kind in result.items():
        if purpose not in PURPOSES:
            raise ValueError(f'seeding.{purpose} is unknown. Purposes: {", ".join(PURPOSES)}, all.')
        if kind not in KINDS:
            raise ValueError(f'seeding.{purpose}={kind!r} is unknown. Choose one of: {", ".join(KINDS)}.')
    return result


def design(seeding: dict[str, str]) -> str:
    """``paired`` where seed s means the same to all methods in some purpose that varies, else ``nested``.

    Methods that share what a seed draws have correlated errors over seeds, and a comparison has to know.
    """
    return 'paired' if SHARED in seeding.values() else 'nested'


def derive_seeds(seed: int, method: str, seeding: dict[str, str]) -> dict[str, int]:
    """Derives the seeds of initialisation, order, augmentation and split.

    Args:
        seed: The run's number.
        method: The method's name.
        seeding: From :func:`seeding`.

    Returns:
        Purpose -> seed in [0, 2^31).
    """
    result = {}
    for purpose, kind in seeding.items():
        owner, number = (method if kind == VARIES else ''), (0 if kind == FIXED else seed)
        value = hashlib.sha256(f'{purpose}|{owner}|{number}'.encode()).digest()[:4]
        result[purpose] = int.from_bytes(value, 'big') % 2 ** 31
    return result
