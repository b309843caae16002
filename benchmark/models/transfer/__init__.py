"""Regularisers of the transfer from the source: one file each, each a :class:`TransferLoss`."""

from .attention_channel import ChannelAttentionLoss
from .attention_spatial import SpatialAttentionLoss
from .attention_transfer import AttentionTransferLoss
from .base import TransferContext, TransferLoss
from .bss import SpectralShrinkageLoss
from .channel_wise import ChannelWiseLoss
from .cka import CKALoss
from .class_distribution import ClassDistributionLoss
from .delta import DeltaLoss
from .encoder_cosine import EncoderCosineLoss
from .fitnets import FitNetsLoss
from .knowledge_distillation import KnowledgeDistillationLoss
from .l2_sp import L2SPLoss
from .learning_without_forgetting import LearningWithoutForgettingLoss
from .pkd import PearsonLoss
from .rkd import RelationalDistillationLoss
from .similarity_preserving import SimilarityPreservingLoss

__all__ = ['TransferContext', 'TransferLoss', 'ClassDistributionLoss', 'EncoderCosineLoss', 'AttentionTransferLoss',
           'CKALoss', 'ChannelAttentionLoss', 'ChannelWiseLoss', 'DeltaLoss', 'FitNetsLoss',
           'KnowledgeDistillationLoss', 'L2SPLoss', 'LearningWithoutForgettingLoss', 'PearsonLoss',
           'RelationalDistillationLoss', 'SimilarityPreservingLoss', 'SpatialAttentionLoss', 'SpectralShrinkageLoss']
