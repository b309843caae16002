"""The extension point: a regulariser of the transfer from the source to the target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

#: Taps of a ResNet's stages.
STAGES = ('stage1', 'stage2', 'stage3', 'stage4')


class UndeclaredTap(KeyError):
    """A tap that no regulariser declares, and that was therefore not computed or not prepared."""


class Taps(dict):
    """Taps by name; one that is not there is told from any other missing key."""

    def __missing__(self, name: str) -> Tensor:
        raise UndeclaredTap(name)


@dataclass
class TransferContext:
    """What a regulariser may look at.

    Attributes:
        source: Taps of the frozen source; see :class:`benchmark.models.source.FrozenSource`.
        target: Taps of the target, of the same names and shapes where the networks agree.
        source_module: The source network, for distances between parameters.
        target_module: The target's estimator.
        data_samples: The batch's MMPose data samples.
        heatmaps: Predicted heatmaps (B, K, H, W).
        progress: Share of the training that is done, in [0, 1].
    """

    source: dict[str, Tensor]
    target: dict[str, Tensor]
    source_module: nn.Module
    target_module: nn.Module
    data_samples: list
    heatmaps: Tensor
    progress: float


class TransferLoss(nn.Module, ABC):
    """A regulariser L_D of equation 2, L = L_R + weight * L_D.

    A subclass in a file of its own, registered in ``mmpose.registry.MODELS``, declares what it needs and computes the
    raw, unweighted value.

    Attributes:
        source_taps: Taps of the source that it reads; checked when the config is built. Where no regulariser reads
            one, the source's forward does not run.
        target_taps: Taps of the target that it reads. Taps that are named here come in float32, under autocast too.
        min_batch: Smallest batch for which it is defined and not constant.
        batch_remedy: What to do where a batch is smaller, one sentence.
        prepare_images: Number of training images that :meth:`prepare` asks for.
        steady: Whether Python does the same at every step, and nothing in it waits for a GPU; then its training may be
            captured as a CUDA graph. A loss that reads ``progress`` or a number of a tensor is not.

    Args:
        weight: The paper's lambda.

    Raises:
        ValueError: A negative weight.
    """

    source_taps: tuple[str, ...] = ()
    target_taps: tuple[str, ...] = ()
    min_batch: int = 1
    batch_remedy: str = 'Raise the batch size, and drop the last incomplete batch (train_dataloader.drop_last=True).'
    prepare_images: int = 0
    steady: bool = False

    def __init__(self, weight: float = 0.002) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f'{type(self).__name__}: weight={weight} is negative. Give 0 or more.')
        self.weight = float(weight)

    def checked_stages(self, stages: Sequence[str]) -> tuple[str, ...]:
        """Stages given as an argument, as a tuple.

        Raises:
            ValueError: There is none, or one name in the place of a list.
        """
        if not stages or isinstance(stages, str):
            raise ValueError(f"{type(self).__name__}: stages={stages!r}: give a list such as ('stage4',).")
        return tuple(stages)

    def attach(self, source: nn.Module, target: nn.Module) -> None:  # noqa: B027, most have nothing to fit
        """Fits the regulariser to the two networks, once they are built: learnt layers, buffers, checks.

        What is made here starts from a generator state of its own; it is kept for resuming, and no checkpoint's state
        dict holds it.

        Args:
            source: The source's backbone.
            target: The target's backbone.
        """

    def check_taps(self, taps: dict[str, Tensor]) -> None:  # noqa: B027, most are defined for maps of any size
        """Checks that it is defined for maps of this size, before there is a training.

        Args:
            taps: The target's stages of one blank image, each (1, channels, h, w).

        Raises:
            ValueError: It is not.
        """

    @property
    def prepared(self) -> bool:
        """Whether there is nothing (left) to prepare."""
        return True

    def prepare(self, estimator: nn.Module, batches: list[dict]) -> None:
        """Measures something on training images before the first step of a training, where ``prepared`` is False.

        It may draw random numbers, which are put back, but must change nothing in the estimator save its own buffers;
        these are what a resumed training has of it.

        Args:
            estimator: The CTDPoseEstimator, on its device, its weights loaded.
            batches: About ``prepare_images`` images spread over the training set, as the data loader collates them.
        """
        raise NotImplementedError(f'{type(self).__name__} says that it is not prepared, and has no prepare().')

    @abstractmethod
    def forward(self, context: TransferContext) -> Tensor:
        """The raw value of the regulariser, a scalar."""
