"""Installs the packages with their configs, templates, styles and schemas."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def pins(name: str) -> list[str]:
    """The pinned requirements of a file under requirements/."""
    lines = (ROOT / 'requirements' / name).read_text(encoding='utf-8').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def data(package: str, *patterns: str) -> list[str]:
    """Files of a package that are not modules, relative to it."""
    return [str(p.relative_to(ROOT / package)) for pattern in patterns for p in (ROOT / package).rglob(pattern)]


setup(
    name='landmark-benchmark',
    version='0.1.0',
    description='Benchmark and ablation suite with statistical reporting for anatomical landmark detection with few '
                'labels',
    python_requires='>=3.10,<3.13',
    packages=find_packages(include=['benchmark', 'benchmark.*', 'reports', 'reports.*']) + ['mmconfigs'],
    package_data={'benchmark': data('benchmark', '*.json', '*.html') + ['py.typed'],
                  'reports': data('reports', '*.html', '*.css', '*.js', '*.svg'),
                  'mmconfigs': data('mmconfigs', '*.py')},
    install_requires=pins('runtime.txt'),
    extras_require={'test': pins('test.txt'), 'ray': pins('ray.txt'), 'onnx': pins('onnx.txt')},
)
