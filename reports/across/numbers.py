"""How numbers over several data sets are written: in a column all have the same decimals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmark.statistics.across.contrasts import RATIO
from benchmark.statistics.across.means import RELATIVE
from benchmark.statistics.across.wording import decimals_of

from ..numbers import Form, form, primary


def of_means(content: dict[str, Any], endpoint: str) -> Form:
    """How means of an endpoint are written."""
    return replace(form(content, endpoint), fixed=True)


def of_differences(content: dict[str, Any], endpoint: str) -> Form:
    """How differences of an endpoint are written, of each data set and of all; of ratios per cent."""
    look = replace(of_means(content, endpoint), digits=decimals_of(content, endpoint))
    return replace(look, factor=100, difference='%', mark='%') if content['combined'] == RATIO else look


def of_averages(content: dict[str, Any]) -> Form:
    """How a method's number over all data sets is written: its mean, or per cent above another's geometric mean."""
    look = of_means(content, primary(content))
    relative = content['means']['kind'] == RELATIVE
    return replace(look, digits=1, factor=100, unit='%', mark='%', signed=True) if relative else look


def names(content: dict[str, Any]) -> list[str]:
    """The data sets in their order."""
    return [one['name'] for one in content['data_sets']]
