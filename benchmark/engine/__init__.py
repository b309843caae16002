"""Hooks, the training loop and the learning rates of a run."""

from .autocast import AutocastOptimWrapper
from .averaged_weights_hook import AveragedWeightsHook
from .feature_cache_hook import FeatureCacheHook
from .hooks import (
    ChannelsLastHook,
    FiniteLossHook,
    FreezeParametersHook,
    PlainCheckpointHook,
    SetEpochHook,
    StrictSourceHook,
    TransferHook,
)
from .loops import Preempted, ResumableTrainLoop, request_stop
from .lp_ft_hook import LPFTHook
from .matrix_convolution import MatrixConvolutionHook
from .stage_decay import StageDecayOptimWrapperConstructor
from .wise_ft_hook import WiseFTHook

__all__ = ['AutocastOptimWrapper', 'AveragedWeightsHook', 'ChannelsLastHook', 'FeatureCacheHook', 'FiniteLossHook',
           'FreezeParametersHook', 'LPFTHook', 'MatrixConvolutionHook', 'PlainCheckpointHook', 'Preempted',
           'ResumableTrainLoop', 'SetEpochHook', 'StageDecayOptimWrapperConstructor', 'StrictSourceHook',
           'TransferHook', 'WiseFTHook', 'request_stop']
