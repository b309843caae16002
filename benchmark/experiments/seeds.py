"""One number per run becomes a named seed per purpose."""

from __future__ import annotations

import hashlib

PURPOSES = ('init', 'order', 'augmentation', 'split')
DESIGNS = ('nested', 'paired')


def derive_seeds(seed: int, method: str, design: str = 'nested',
                 vary: tuple[str, ...] = PURPOSES) -> dict[str, int]:
    """Derives the seeds of initialisation, order, augmentation and split.

    Args:
        seed: The run's number.
        method: The method's name.
        design: ``nested``: each method draws its own randomness; ``paired``: seed s means the same to all methods.
        vary: The purposes that vary with the run; the others keep the value of seed 0.

    Returns:
        Purpose -> seed in [0, 2^31).

    Raises:
        ValueError: Unknown design or purpose.
    """
    if design not in DESIGNS:
        raise ValueError(f'design={design!r} is unknown. Choose one of {DESIGNS}.')
    if unknown := set(vary) - set(PURPOSES):
        raise ValueError(f'vary: {sorted(unknown)[0]!r} is unknown. Choose from {PURPOSES}.')
    owner = method if design == 'nested' else ''
    return {purpose: int.from_bytes(hashlib.sha256(
        f'{purpose}|{owner}|{seed if purpose in vary else 0}'.encode()).digest()[:4], 'big') % 2 ** 31
        for purpose in PURPOSES}
