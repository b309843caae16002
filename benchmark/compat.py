"""Makes ``mmpose`` importable where compiled extras are missing or broken.

``import mmpose.models`` pulls in packages that no model of this suite uses: ``mmdet`` (RTMO's head), ``mmcv.ops``
(deformable attention), ``torchvision`` (a visualiser) and ``xtcocotools``. Where such a package works, nothing is
touched. Where it is missing or broken, a placeholder takes its place; *using* it raises an ImportError that names
what to install. ``xtcocotools`` is replaced by ``pycocotools``, which has the interface that mmpose needs.
"""

from __future__ import annotations

import importlib
import sys
import types
import warnings

#: Package -> (submodules that mmpose imports, what to install to get the real one).
OPTIONAL = {
    'torchvision': (('torchvision.transforms',), 'a torchvision build that matches your torch'),
    'mmcv.ops': ((), 'an mmcv build with compiled operators'),
    'mmdet': (('mmdet.utils',), 'mmdet'),
}


class _Missing(type):
    """Metaclass of placeholders: they can be named, subclassed and annotated with, not used."""

    def __call__(cls, *args, **kwargs):
        raise ImportError(cls._message)

    def __getattr__(cls, name):
        # pickle and torch.compile look for names in all modules, and take only this error for a no.
        raise AttributeError(name if name.startswith('__') else cls._message)


def works(name: str) -> bool:
    """Whether a package imports; any exception on import counts as broken."""
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def placeholder(name: str, remedy: str) -> types.ModuleType:
    """A module whose attributes are placeholder classes; calling one raises ImportError naming the remedy."""
    module = types.ModuleType(name, f'Placeholder: {name} is not available.')
    module.__version__ = '0.0.0'
    module.__path__ = []
    message = f'{name} is missing or broken here, and this feature needs it. Install {remedy}.'

    def attribute(item: str):
        if item.startswith('__'):
            raise AttributeError(item)
        return _Missing(item, (), {'_message': f'{name}.{item}: {message}'})

    module.__getattr__ = attribute
    return module


def _forget(name: str) -> None:
    """Drops what a failed import of ``name`` left behind."""
    for loaded in [m for m in sys.modules if m == name or m.startswith(name + '.')]:
        del sys.modules[loaded]


def install() -> list[str]:
    """Puts placeholders where needed; safe to call again.

    Returns:
        The packages that were replaced.
    """
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    replaced = []
    for name, (submodules, remedy) in OPTIONAL.items():
        if all(works(m) for m in (name, *submodules)):
            continue
        _forget(name)
        for module in (name, *submodules):
            sys.modules[module] = placeholder(module, remedy)
            parent, _, child = module.rpartition('.')
            if parent in sys.modules:
                setattr(sys.modules[parent], child, sys.modules[module])
        replaced.append(name)
    if not works('xtcocotools.coco'):
        _forget('xtcocotools')
        for child in ('', '.coco', '.cocoeval', '.mask'):
            sys.modules['xtcocotools' + child] = importlib.import_module('pycocotools' + child)
        replaced.append('xtcocotools')
    return replaced
