"""MMEngine hooks: the epoch for the data set, the progress for the regularisers, partly frozen encoders."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch import nn
from torch.utils.data import DataLoader

from benchmark.models.backbones.tapped import Tapped, last_convolution, residual_stages
from benchmark.models.checkpoint import plain
from benchmark.models.source import backbone_weights, load_source_checkpoint

from .training_state import random_states, set_random_states
from .unwrap import unwrapped


@HOOKS.register_module()
class SetEpochHook(Hook):
    """Tells the training data set the epoch, on which its random views depend."""

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner) -> None:
        """Sets ``epoch`` on the data set."""
        dataset = runner.train_dataloader.dataset
        if hasattr(dataset, 'epoch'):
            dataset.epoch = runner.epoch


@HOOKS.register_module()
class TransferHook(Hook):
    """Gives a CTDPoseEstimator the training's progress, and keeps its training-only state in checkpoints.

    Before the first step it checks that no batch will be too small for a regulariser, and lets those prepare that
    measure something on training images. A training that goes on has what they measured in its state, and this is
    restored after ``before_train``: so they prepare before an epoch, those that are not prepared.
    """

    KEY = 'transfer_state'

    def before_train(self, runner) -> None:
        """Checks the smallest batch of an epoch.

        Raises:
            SourceError: A regulariser is not defined for it.
        """
        head = getattr(unwrapped(runner.model), 'head', None)
        if hasattr(head, 'check_batch') and (size := smallest_batch(runner.train_dataloader)):
            head.check_batch(size)

    def before_train_epoch(self, runner) -> None:
        """Lets regularisers prepare; random number generators and the order of the images stay as they are."""
        model = unwrapped(runner.model)
        waiting = {name: loss for name, loss in getattr(getattr(model, 'head', None), 'transfer', {}).items()
                   if not loss.prepared}
        if not waiting:
            return
        states = random_states()
        try:
            for name, loss in waiting.items():
                runner.logger.info(f'{name}: measures on {loss.prepare_images} training images before the training')
                loss.prepare(model, spread_batches(runner.train_dataloader, loss.prepare_images))
        finally:
            set_random_states(states)

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Sets ``progress`` in [0, 1] and the number of iterations done."""
        model = unwrapped(runner.model)
        if hasattr(model, 'progress'):
            model.progress = runner.iter / max(1, runner.max_iters)
            model.iterations = runner.iter

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Adds the state that only training needs, beside the state dict."""
        model = unwrapped(runner.model)
        if hasattr(model, 'training_state'):
            checkpoint[self.KEY] = model.training_state()

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Restores that state where the checkpoint has it."""
        model = unwrapped(runner.model)
        if hasattr(model, 'load_training_state') and self.KEY in checkpoint:
            model.load_training_state(checkpoint[self.KEY])


def smallest_batch(loader: DataLoader) -> int | None:
    """Images in the smallest batch of an epoch; None where a sampler of batches decides."""
    if loader.batch_size is None:
        return None
    return loader.batch_size if loader.drop_last else len(loader.sampler) % loader.batch_size or loader.batch_size


def spread_batches(loader: DataLoader, count: int) -> list[dict]:
    """Images spread evenly over a data set, in batches as the loader makes them; its sampler is not asked.

    Args:
        loader: The loader.
        count: Number of images; all where there are fewer.
    """
    dataset, size = loader.dataset, loader.batch_size or 1
    rows = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int).tolist()
    return [loader.collate_fn([dataset[row] for row in rows[start:start + size]])
            for start in range(0, len(rows), size)]


@HOOKS.register_module()
class StrictSourceHook(Hook):
    """Checks, before training, that the source checkpoint that the encoder starts from fits it in every tensor.

    MMEngine's ``Pretrained`` loads what fits and passes over the rest in silence.
    """

    def before_run(self, runner) -> None:
        """Checks the checkpoint of ``backbone.init_cfg``.

        Raises:
            SourceError: It is missing or does not fit; names the tensor.
        """
        backbone = unwrapped(runner.model).backbone
        init = getattr(backbone, 'init_cfg', None)
        if isinstance(init, dict) and init.get('type') == 'Pretrained' and init.get('prefix') == 'backbone.':
            backbone_weights(load_source_checkpoint(init['checkpoint'])['state_dict'], backbone, init['checkpoint'])


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Keeps checkpoints to tensors and plain data, so that every ``torch.load(weights_only=True)`` reads them.

    MMEngine puts NumPy arrays (the data set's description) and objects (the log's buffers) beside the weights. Arrays
    become lists; the buffers, which only smooth what the log shows, are left out.
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Makes the description and the message hub plain."""
        if 'meta' in checkpoint:
            checkpoint['meta'] = plain(checkpoint['meta'])
        if hub := checkpoint.get('message_hub'):
            info = {key: plain(value) for key, value in hub['runtime_info'].items()}
            checkpoint['message_hub'] = dict(log_scalars={}, runtime_info=info, resumed_keys={
                key: value for key, value in hub['resumed_keys'].items() if key in info})


@HOOKS.register_module()
class FreezeParametersHook(Hook):
    """Freezes the encoder but for some of its modules: finer than ``backbone.frozen_stages``.

    Frozen batch-norm layers stay in eval mode.

    Args:
        train: Prefixes of the backbone's parameters that stay trained, such as ``layer4.2`` or ``layer4.2.conv3``;
            ``last_block`` is that of any ResNet, ``last_convolution`` that of a tapped backbone, too.

    Raises:
        ValueError: A prefix that fits no parameter.
    """

    def __init__(self, train: tuple[str, ...]) -> None:
        self.train = tuple(train)

    def _trained(self, name: str) -> bool:
        return any(name == p or name.startswith(p + '.') for p in self.train)

    def check_model(self, model: nn.Module) -> None:
        """Finds what is trained; without a training, for whoever wants to know whether there could be one.

        Raises:
            ValueError: A prefix fits no parameter of the model's backbone.
        """
        backbone = model.backbone
        names = [name for name, _ in backbone.named_parameters()]
        self.train = tuple(_last(backbone, prefix) for prefix in self.train)
        for prefix in self.train:
            if not any(n == prefix or n.startswith(prefix + '.') for n in names):
                raise ValueError(f'FreezeParametersHook: train={prefix!r} fits no parameter of the backbone. '
                                 f'Choose prefixes such as {names[-1].rsplit(".", 1)[0]!r}.')

    def before_run(self, runner) -> None:
        """Freezes the parameters."""
        self.check_model(unwrapped(runner.model))
        backbone = unwrapped(runner.model).backbone
        for name, parameter in backbone.named_parameters():
            parameter.requires_grad = self._trained(name)

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Puts frozen batch-norm layers in eval mode; the loop puts the model in train mode at each epoch's start."""
        for name, module in unwrapped(runner.model).backbone.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training and not self._trained(name):
                module.eval()


def _last(backbone: nn.Module, prefix: str) -> str:
    """What ``last_block`` and ``last_convolution`` are in a network; any other prefix as it is."""
    if prefix == 'last_convolution' and isinstance(backbone, Tapped):
        return last_convolution(backbone)
    stages = residual_stages(backbone)
    if prefix not in ('last_block', 'last_convolution') or not stages:
        return prefix
    stage = stages[-1]
    block = f'{stage}.{len(getattr(backbone, stage)) - 1}'
    convolutions = [name for name, module in backbone.get_submodule(block).named_children()
                    if isinstance(module, nn.Conv2d)]
    return block if prefix == 'last_block' else f'{block}.{convolutions[-1]}'


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Puts the model's weights in channels-last order: the same sums in another memory order, faster on CPUs.

    Weights of 1 x 1 kernels, whose order in memory is both, stay as they are: such a layer follows its maps. Marked as
    channels-last it would copy maps that come from a :class:`MatrixConvolution`, forward and backward.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Converts the model once the weights are loaded."""
        for weight in unwrapped(runner.model).parameters():
            if weight.dim() == 4 and weight.shape[2:] != (1, 1):
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops a run whose loss is not finite or explodes, so that it is recorded as failed.

    Args:
        explode: A loss above this many times the first one, and above this number, counts as exploding.
    """

    def __init__(self, explode: float = 1e6) -> None:
        self.explode = explode
        self.first: float | None = None

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keeps the first loss, so that a training that goes on is held to the same bound."""
        checkpoint['first_loss'] = self.first

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Takes the first loss of the training that goes on."""
        self.first = checkpoint.get('first_loss', self.first)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        """Checks the iteration's loss.

        Raises:
            FloatingPointError: The loss is NaN, infinite or explodes.
        """
        if outputs:
            self.check(float(outputs['loss'].detach().sum()), runner.epoch, runner.iter)

    def check(self, loss: float, epoch: int, iteration: int) -> None:
        """Checks a loss.

        Args:
            loss: Its value.
            epoch: Counted from 0.
            iteration: Counted from 0.

        Raises:
            FloatingPointError: It is NaN, infinite or explodes.
        """
        self.first = loss if self.first is None else self.first
        if not loss <= self.explode * max(1.0, abs(self.first)):
            raise FloatingPointError(f'the loss is {loss:g} in epoch {epoch + 1}, iteration {iteration + 1}. '
                                     'Lower optim_wrapper.optimizer.lr, or check the data.')
