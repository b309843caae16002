"""Benchmark and ablation suite for anatomical landmark detection with few labels.

``import benchmark`` inside an MMEngine program (``custom_imports=dict(imports=['benchmark'])``) registers every plug-in
in MMPose's registries. Outside of one it imports nothing heavy, so that ``benchmark.statistics`` and
``benchmark.datasets.prepared`` work without torch; call :func:`register` where models are wanted.
"""

import os
import sys

__version__ = '0.1.0'


def register() -> None:
    """Makes mmpose importable (see :mod:`benchmark.compat`) and registers the suite's plug-ins in its registries."""
    from benchmark import compat
    compat.install()
    # Asked for by torch's deterministic algorithms on CUDA, before its first use.
    os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    import benchmark.codecs
    import benchmark.datasets
    import benchmark.engine
    import benchmark.evaluation
    import benchmark.models  # noqa: F401
    benchmark.datasets.register()


if 'mmengine' in sys.modules:
    register()
