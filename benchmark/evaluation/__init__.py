"""Evaluation: the error per image and landmark."""

from .decodings import OtherDecodings
from .landmark_metric import LandmarkErrorMetric
from .source_metric import IdentityAccuracy

__all__ = ['IdentityAccuracy', 'LandmarkErrorMetric', 'OtherDecodings']
