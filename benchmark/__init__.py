"""Benchmark and ablation suite for anatomical landmark detection with few labels.

:mod:`benchmark.plugins` registers every plug-in in MMPose's registries: configs name it in ``custom_imports``, programs
import it or call :func:`register`. ``import benchmark`` alone imports nothing heavy, so that ``benchmark.statistics``
and ``benchmark.datasets.prepared`` work without torch.
"""

import sys

__version__ = '0.1.0'


def register() -> None:
    """Registers the suite's plug-ins: see :mod:`benchmark.plugins`."""
    import benchmark.plugins  # noqa: F401


# Configs that were written before there was benchmark.plugins name ``benchmark`` in their custom_imports.
if 'mmengine' in sys.modules:
    register()
