"""What goes into a conversion besides the file, and what comes out of it before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from .errors import ConversionError


@dataclass(frozen=True)
class Options:
    """What the caller says of a file.

    Attributes:
        source_format: Name of its format.
        classifier: Whether the classifier is converted too.
        channel_order: ``rgb``, ``bgr`` or ``auto``: what the network takes.
        prefix: What stands before its tensors' names; None finds it.
    """

    source_format: str
    classifier: bool = True
    channel_order: str = 'auto'
    prefix: str | None = None

    def refuse_prefix(self, src: Path) -> None:
        """For formats whose tensors have no names to stand before.

        Raises:
            ConversionError: A prefix was given.
        """
        if self.prefix is not None:
            raise ConversionError(f'{src}: --prefix {self.prefix!r} has no meaning for the format '
                                  f'{self.source_format}, whose file holds one network. Leave it out.')


@dataclass
class Converted:
    """A network that takes RGB.

    Attributes:
        meta: Architecture, number of classes and channel order.
        state: ``backbone.*``, ``classifier.*`` and ``embedding.*``.
        normalisation: ``mean`` and ``std`` per RGB channel in 0..255; None where the file's format has none.
        origin: What is noted of the file.
        folded: Whether scales and offsets came without the statistics of a batch norm.
    """

    meta: dict[str, Any]
    state: dict[str, Tensor]
    normalisation: dict[str, tuple[float, float, float]] | None
    origin: dict[str, Any] = field(default_factory=dict)
    folded: bool = False
