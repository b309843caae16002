"""Room on a GPU for what stays there between steps."""

from __future__ import annotations

import torch

#: Of what is free when a run first asks: other runs may share the card.
SHARE = 8


def room_on(device: torch.device, most: int) -> int:
    """Bytes that may stay on a device.

    Args:
        device: The device.
        most: The limit in bytes; on a GPU an eighth of its free memory where that is less.
    """
    if device.type != 'cuda':
        return most
    free, _ = torch.cuda.mem_get_info(device)
    return min(most, free // SHARE)
