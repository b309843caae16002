"""Codecs: landmarks to heatmaps and back."""

from .argmax_heatmap import ArgmaxHeatmap

__all__ = ['ArgmaxHeatmap']
