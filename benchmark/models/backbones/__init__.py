"""Backbones: MMPose plug-ins."""

from .stacked_hourglass import StackedHourglass
from .vggface2_resnet import VGGFace2ResNet

__all__ = ['StackedHourglass', 'VGGFace2ResNet']
