"""For programs that still start here: everything stands in pyproject.toml."""

from setuptools import setup

setup()
