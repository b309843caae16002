"""Hooks of a run."""

from .hooks import ChannelsLastHook, FiniteLossHook, FreezeParametersHook, SetEpochHook, StrictSourceHook, TransferHook

__all__ = ['ChannelsLastHook', 'FiniteLossHook', 'FreezeParametersHook', 'SetEpochHook',
           'StrictSourceHook', 'TransferHook']
