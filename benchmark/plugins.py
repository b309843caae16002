"""Registers the suite's plug-ins in MMPose's registries, as it is imported: a config's ``custom_imports`` names it.

It makes mmpose importable first (see :mod:`benchmark.compat`).
"""

import os

from benchmark import compat

compat.install()
# Asked for by torch's deterministic algorithms on CUDA, before its first use.
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')

import benchmark.codecs
import benchmark.datasets
import benchmark.detector.visualizer
import benchmark.engine
import benchmark.evaluation
import benchmark.models  # noqa: F401

benchmark.datasets.register()
