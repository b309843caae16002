"""A training step that is captured once and then launched as a whole: a CUDA graph; nothing in it waits for the GPU.

At a batch of two a GPU spends most of a step waiting for the next kernel to be launched. A captured step is one launch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from .frozen_forward import CACHED, NEW, FrozenOutputs

Losses = dict[str, Tensor]
#: So many kinds of steps are captured (whole and incomplete batches, stages that thaw); others run as they are.
MOST = 8
#: Steps of a kind that run as they are before one is captured: they choose kernels and make the optimiser's state.
WARM_UP = 3


class CudaGraphs:
    """Captures on a CUDA device, all steps on one stream and in one pool of memory."""

    #: Of the learning rate's tensor, as fused optimisers there read it.
    rate_dtype = torch.float32

    def __init__(self) -> None:
        self.stream: torch.cuda.Stream | None = None
        self.pool: tuple | None = None

    def why_not(self, device: torch.device) -> str | None:
        """Why nothing can be captured there; None where it can."""
        return None if device.type == 'cuda' else 'the model is not on a CUDA device'

    def capture(self, function: Callable[[], Losses]) -> tuple[Callable[[], None], Losses]:
        """Captures what a function launches, without running it.

        Returns:
            What launches it, and the function's result, which every launch writes anew.
        """
        before, graph = torch.cuda.current_stream(), torch.cuda.CUDAGraph()
        self.pool = self.pool or torch.cuda.graph_pool_handle()
        try:
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode='thread_local'):
                outputs = function()
        finally:
            # A capture that fails may leave its own stream in place.
            torch.cuda.set_stream(before)
        return graph.replay, outputs

    def warm_up(self, function: Callable[[], Losses]) -> Losses:
        """Runs a function on the graphs' stream, so that what autograd remembers of streams fits a capture."""
        self.stream = self.stream or torch.cuda.Stream()
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            outputs = function()
        torch.cuda.current_stream().wait_stream(self.stream)
        return outputs


@dataclass
class CapturedStep:
    """A captured step and the memory that it reads."""

    inputs: Tensor
    samples: list
    features: list[Losses]
    rates: list[Tensor]
    replay: Callable[[], None]
    outputs: Losses


class GraphedStep:
    """A model's ``train_step``, captured as a CUDA graph.

    It does what MMEngine's ``train_step`` does, with the same numbers but for the learning rate, which all steps take
    rounded to the graphs' type. What Python decides is fixed when a step is captured, so a step is captured anew
    where sizes, trained parameters, modes of modules or settings of the optimiser differ; the learning rates are read
    at every launch. The outputs of frozen networks are read from the cache; steps that compute them for the
    first time, and those that measure gradients, run as they are. Where a step cannot be captured, all of them do, and
    the log says so.

    Args:
        model: A model in training mode; wrapped ones (DDP) are not captured.
        optim_wrapper: Its optimiser.
        cached: What gives the outputs of its frozen networks.
        graphs: What captures it; a :class:`CudaGraphs`.
        say: Called with a sentence when there is something to know.
    """

    def __init__(self, model: nn.Module, optim_wrapper: OptimWrapper, cached: Sequence[FrozenOutputs] = (),
                 graphs: CudaGraphs | None = None, say: Callable[[str], None] = print) -> None:
        self.model, self.optim_wrapper, self.cached, self.say = model, optim_wrapper, cached, say
        self.graphs = graphs or CudaGraphs()
        self.parameters, self.modules = list(model.parameters()), list(model.modules())
        self.seen: Counter[tuple] = Counter()
        self.captured: dict[tuple, CapturedStep] = {}
        self.off, self.said = False, set()
        if reason := self._why_not():
            self._give_up(reason)

    def _why_not(self) -> str | None:
        """Why steps cannot be captured; None where nothing is known against it."""
        if not hasattr(self.model, 'data_preprocessor'):
            return 'the model is wrapped'
        if reason := self.graphs.why_not(self.parameters[0].device):
            return reason
        optimizer = self.optim_wrapper.optimizer
        if not all(group.get('fused') or group.get('capturable') for group in optimizer.param_groups):
            return f'{type(optimizer).__name__} is neither fused nor capturable'
        if self.optim_wrapper._accumulative_counts != 1:
            return 'gradients are accumulated over steps'
        if self.optim_wrapper.clip_grad_kwargs:
            return 'gradients are clipped, and their norm is logged at each step'
        head = getattr(self.model, 'head', None)
        if getattr(head, 'weight_schedule', 'constant') != 'constant':
            return f'the regularisers\' weights change from step to step ({head.weight_schedule})'
        if loose := [name for name, loss in getattr(head, 'transfer', {}).items() if not loss.steady]:
            return f'{loose[0]} computes differently from step to step'
        return None

    def __call__(self, batch: dict) -> Losses:
        """One step.

        Args:
            batch: From the data loader.

        Returns:
            Losses by name, scalars on the model's device; the next step may write over them.
        """
        if self.off:
            return self.model.train_step(batch, optim_wrapper=self.optim_wrapper)
        data = self.model.data_preprocessor(batch, True)
        states = [outputs.state() for outputs in self.cached]
        if NEW in states or getattr(self.model, 'measures_gradients', False):
            return self._run(data)
        key = self._key(data, states)
        if key not in self.seen and len(self.seen) == MOST:
            self._say_once(f'steps beyond the first {MOST} kinds are not captured as CUDA graphs')
            return self._run(data)
        self.seen[key] += 1
        if self.seen[key] <= WARM_UP:
            return self.graphs.warm_up(lambda: self._run(data))
        features = [outputs.read(data['inputs']) for outputs, state in zip(self.cached, states) if state == CACHED]
        if key not in self.captured:
            try:
                self.captured[key] = self._capture(data, features, states)
            except Exception as error:
                self._give_up(_cause(error))
                return self._run(data)
        return self._replay(self.captured[key], data, features)

    def _run(self, data: dict) -> Losses:
        """The step as MMEngine runs it, on data that are prepared, with rounded learning rates."""
        with self._rates(lambda rate: float(torch.tensor(rate, dtype=self.graphs.rate_dtype))):
            return self._compute(data)

    def _compute(self, data: dict) -> Losses:
        with self.optim_wrapper.optim_context(self.model):
            losses = self.model(**data, mode='loss')
        total, outputs = self.model.parse_losses(losses)
        self.optim_wrapper.update_params(total)
        return outputs

    def _key(self, data: dict, states: list[str]) -> tuple:
        """What Python's part of a step depends on."""
        shapes = tuple(tuple(value.shape) for sample in data['data_samples'] for value in _tensors(sample))
        settings = tuple(tuple(value for name, value in group.items() if name not in ('params', 'lr'))
                         for group in self.optim_wrapper.optimizer.param_groups)
        return (tuple(data['inputs'].shape), shapes, tuple(states), settings,
                tuple(value.requires_grad for value in self.parameters),
                tuple(module.training for module in self.modules))

    def _capture(self, data: dict, features: list[Losses], states: list[str]) -> CapturedStep:
        inputs, samples = data['inputs'].clone(), [_copy(sample) for sample in data['data_samples']]
        features = [{name: value.clone() for name, value in found.items()} for found in features]
        count = self.optim_wrapper._inner_count
        held = iter(features)
        for outputs, state in zip(self.cached, states):
            outputs.held = next(held) if state == CACHED else None
        static = partial(torch.tensor, dtype=self.graphs.rate_dtype, device=inputs.device)
        try:
            with self._rates(static, capturable=True) as rates:
                replay, losses = self.graphs.capture(lambda: self._compute(dict(inputs=inputs, data_samples=samples)))
        except Exception:
            self.optim_wrapper.zero_grad(set_to_none=True)
            raise
        finally:
            self.optim_wrapper._inner_count = count
            for outputs in self.cached:
                outputs.held = None
        return CapturedStep(inputs, samples, features, rates, replay,
                            {name: value.detach() for name, value in losses.items()})

    @contextmanager
    def _rates(self, change: Callable[[float], Any], capturable: bool = False) -> Iterator[list]:
        """Other learning rates for a moment; schedulers and checkpoints go on with plain numbers."""
        groups = self.optim_wrapper.optimizer.param_groups
        before = [{name: group[name] for name in ('lr', 'capturable') if name in group} for group in groups]
        try:
            for group in groups:
                group['lr'] = change(group['lr'])
                if capturable and 'capturable' in group:
                    group['capturable'] = True
            yield [group['lr'] for group in groups]
        finally:
            for group, values in zip(groups, before):
                group.update(values)

    def _replay(self, step: CapturedStep, data: dict, features: list[Losses]) -> Losses:
        pairs = [(step.inputs, data['inputs'])]
        for sample, new in zip(step.samples, data['data_samples']):
            pairs += zip(_tensors(sample), _tensors(new), strict=True)
        for found, new in zip(step.features, features):
            pairs += [(value, new[name]) for name, value in found.items()]
        for target, value in pairs:
            target.copy_(value, non_blocking=True)
        for rate, group in zip(step.rates, self.optim_wrapper.optimizer.param_groups):
            rate.fill_(group['lr'])
        step.replay()
        self.optim_wrapper._inner_count += 1
        return step.outputs

    def _give_up(self, reason: str) -> None:
        self.off = True
        self._say_once(f'steps are not captured as CUDA graphs: {reason}')

    def _say_once(self, sentence: str) -> None:
        if sentence not in self.said:
            self.said.add(sentence)
            self.say(sentence)


class DeferredLosses:
    """Losses of the last steps, which stay on the GPU until they are read together, by one copy."""

    def __init__(self) -> None:
        self.names: list[tuple[str, ...]] = []
        self.values: list[Tensor] = []

    def add(self, losses: Losses) -> None:
        """Takes a step's losses, scalars."""
        self.names.append(tuple(losses))
        self.values.append(torch.stack([value.detach().float().reshape(()) for value in losses.values()]))

    def read(self) -> list[Losses]:
        """Gives the losses of the steps since the last call, in their order, as scalars on the CPU."""
        if not self.values:
            return []
        values = torch.cat(self.values).cpu().split([len(names) for names in self.names])
        found = [dict(zip(names, part.unbind())) for names, part in zip(self.names, values)]
        self.names, self.values = [], []
        return found


def _tensors(sample: BaseDataElement) -> Iterator[Tensor]:
    """The tensors of a sample, in the order of their names."""
    for _, value in sorted(sample.items()):
        if isinstance(value, BaseDataElement):
            yield from _tensors(value)
        elif isinstance(value, Tensor):
            yield value


def _copy(sample: BaseDataElement) -> BaseDataElement:
    """A sample with tensors of its own and nothing else: whatever else is read of it would be one batch's for ever."""
    copy = type(sample)()
    for name, value in sample.items():
        if isinstance(value, BaseDataElement):
            copy.set_data({name: _copy(value)})
        elif isinstance(value, Tensor):
            copy.set_data({name: value.clone()})
    return copy


def _cause(error: BaseException) -> str:
    """What happened first, in a line: the end of a capture that failed has an error of its own."""
    while error.__context__ is not None:
        error = error.__context__
    return f'{type(error).__name__}: {next(iter(str(error).splitlines()), "")}'
