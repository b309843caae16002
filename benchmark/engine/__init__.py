"""Hooks and the training loop of a run."""

from .autocast import AutocastOptimWrapper
from .feature_cache_hook import FeatureCacheHook
from .hooks import ChannelsLastHook, FiniteLossHook, FreezeParametersHook, SetEpochHook, StrictSourceHook, TransferHook
from .loops import Preempted, ResumableTrainLoop, request_stop
from .matrix_convolution import MatrixConvolutionHook

__all__ = ['AutocastOptimWrapper', 'ChannelsLastHook', 'FeatureCacheHook', 'FiniteLossHook', 'FreezeParametersHook',
           'MatrixConvolutionHook', 'Preempted', 'ResumableTrainLoop', 'SetEpochHook', 'StrictSourceHook',
           'TransferHook', 'request_stop']
