"""Hooks and the training loop of a run."""

from .autocast import AutocastOptimWrapper
from .feature_cache_hook import FeatureCacheHook
from .hooks import ChannelsLastHook, FiniteLossHook, FreezeParametersHook, SetEpochHook, StrictSourceHook, TransferHook
from .loops import Preempted, ResumableTrainLoop, request_stop

__all__ = ['AutocastOptimWrapper', 'ChannelsLastHook', 'FeatureCacheHook', 'FiniteLossHook', 'FreezeParametersHook',
           'Preempted', 'ResumableTrainLoop', 'SetEpochHook', 'StrictSourceHook', 'TransferHook', 'request_stop']
