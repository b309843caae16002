"""Regularisers of the transfer from the source: one file each, each a :class:`TransferLoss`."""

from .base import TransferContext, TransferLoss
from .class_distribution import ClassDistributionLoss
from .encoder_cosine import EncoderCosineLoss

__all__ = ['TransferContext', 'TransferLoss', 'ClassDistributionLoss', 'EncoderCosineLoss']
