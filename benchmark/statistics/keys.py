"""Columns of names as categories: a million rows hold a name once, and its codes answer what is asked of names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .arrays import Integers


def as_name(value: object) -> str:
    """A name as text: whole numbers without decimals (pandas makes floats of a column with a gap), bytes decoded."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return value.decode('utf-8', 'replace') if isinstance(value, bytes) else str(value)


def put_together(columns: Sequence[pd.Series]) -> pd.Series:
    """Names of several columns as one, as ``Lyon/c01``; empty where one of them is."""
    empty = np.any([column.isna().to_numpy() for column in columns], axis=0)
    texts = [column.map(as_name).astype(object).str.strip() for column in columns]
    empty |= np.any([(text == '').to_numpy() for text in texts], axis=0)
    found = texts[0].str.cat(texts[1:], sep='/')
    return found.where(~empty, '')


def named_by(column: pd.Series, texts: Sequence[str]) -> pd.Series:
    """A column of categories by other names, in the order of their text.

    Args:
        column: Of categories.
        texts: The name of each; several may have one.
    """
    names = sorted({*texts})
    place = {text: code for code, text in enumerate(names)}
    codes = np.array([place[text] for text in texts], dtype=np.int64)[column.cat.codes.to_numpy()]
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype=object)), index=column.index)


def codes_of(column: pd.Series) -> tuple[Integers, pd.Index]:
    """Codes of a column, shape (rows,), and the values that they stand for, in order; there may be more than it has."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64), column.cat.categories
    codes, values = pd.factorize(column, sort=True)
    return codes, pd.Index(values)


def one_key(frame: pd.DataFrame, keys: Sequence[str]) -> Integers:
    """A number for each row that is in the order of its keys, the same where all of them are; shape (rows,)."""
    coded = [codes_of(frame[name]) for name in keys]
    return joined_codes([(codes, len(values)) for codes, values in coded])


def joined_codes(several: Sequence[tuple[Integers, int]]) -> Integers:
    """A number for each combination of codes, in their order; shape (rows,).

    Args:
        several: Codes from 0, shape (rows,), and a number above all of them; the first counts most.
    """
    found, most = several[0]
    for codes, count in several[1:]:
        if most * count >= 2**62:  # as many numbers as there are rows at most
            kept, found = np.unique(found, return_inverse=True)
            most = len(kept)
        found, most = found * count + codes, most * count
    return found
