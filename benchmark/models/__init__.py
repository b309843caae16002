"""Models: MMPose plug-ins."""

from . import transfer
from .backbones import (
    DlibEmbedding,
    DlibResNet,
    EfficientNetLite0,
    EfficientNetLiteEmbedding,
    MobileNetV1,
    StackedHourglass,
    VGGFace2ResNet,
)
from .ctd_estimator import CTDPoseEstimator, plain_model
from .ctd_head import CTDHead
from .heatmap_loss import HeatmapLoss
from .hourglass_head import HourglassHead
from .landmark_preprocessor import LandmarkDataPreprocessor
from .source import FrozenSource, SourceError
from .source_classifier import SourceClassifier
from .stoch_norm import StochNorm

__all__ = ['transfer', 'DlibEmbedding', 'DlibResNet', 'EfficientNetLite0', 'EfficientNetLiteEmbedding', 'MobileNetV1',
           'StackedHourglass', 'VGGFace2ResNet', 'CTDPoseEstimator', 'plain_model', 'CTDHead',
           'HeatmapLoss', 'HourglassHead', 'LandmarkDataPreprocessor', 'FrozenSource', 'SourceError',
           'SourceClassifier', 'StochNorm']
