"""What the relational regularisers compare: the images of a batch, or the places of each image's map."""

from __future__ import annotations

from torch import Tensor

from ..source import SourceError
from .base import TransferLoss

RELATIONS = ('batch', 'token')


class RelationalLoss(TransferLoss):
    """A regulariser on relations between items: images (``batch``) or places of a map (``token``).

    With two images such relations are constant, whatever the features: the ``batch`` form needs three or more, and the
    ``token`` form, on each image by itself, a map of three or more places.

    Args:
        weight: Factor of the value.
        relations: ``batch`` or ``token``.
        tap: The features; a stage's map is flattened in the ``batch`` form, and the ``token`` form takes no other.

    Raises:
        ValueError: A negative weight, unknown relations, or tokens of a tap without places.
    """

    steady = True
    #: Most places of a map that are related; None for any number.
    most_places: int | None = None

    batch_remedy = f"{TransferLoss.batch_remedy} Or relate the places of each image: relations='token'."

    def __init__(self, weight: float, relations: str, tap: str) -> None:
        super().__init__(weight)
        name = type(self).__name__
        if relations not in RELATIONS:
            raise ValueError(f'{name}: relations={relations!r} is unknown. Choose one of {RELATIONS}.')
        if relations == 'token' and not tap.startswith('stage'):
            raise ValueError(f"{name}: tap={tap!r} has no places. Choose a stage, or relations='batch'.")
        self.relations, self.tap = relations, tap
        self.source_taps = self.target_taps = (tap,)
        self.min_batch = 3 if relations == 'batch' else 1

    def check_taps(self, taps: dict[str, Tensor]) -> None:
        """See :meth:`TransferLoss.check_taps`."""
        if self.relations != 'token' or self.most_places is None or self.tap not in taps:
            return
        if (places := taps[self.tap][0, 0].numel()) > self.most_places:
            raise SourceError(f'{type(self).__name__}: {self.tap} has {places} places, whose relations take room with '
                              f'their third power; at most {self.most_places} are related. Choose a tap with a smaller '
                              "map or a smaller input, or relations='batch'.")

    def items(self, taps: dict[str, Tensor]) -> Tensor:
        """Groups of items, centred in each group.

        Args:
            taps: Features by tap; a map is (B, d, h, w).

        Returns:
            (1, B, d h w) for ``batch``, (B, h w, d) for ``token``.

        Raises:
            SourceError: Fewer than three items.
        """
        self.check_taps({self.tap: taps[self.tap]})
        features = taps[self.tap]
        items = features.flatten(1)[None] if self.relations == 'batch' else features.flatten(2).transpose(1, 2)
        if items.shape[1] < 3:
            raise SourceError(f'{type(self).__name__}: {self.tap} has {items.shape[1]} items of relations='
                              f'{self.relations!r}, and needs 3. Choose an earlier stage or a larger input or batch.')
        return items - items.mean(dim=1, keepdim=True)
