"""Large delimited files as most programs write them, parsed by pyarrow: each name is made once, not once a row.

Whatever is not plain is left to :mod:`benchmark.utils.delimited`, which says what is wrong with it: quotes, blanks
beside separators, decimal commas, words among numbers, rows of other lengths, another encoding. What is plain gives
the same table either way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from csv import field_size_limit
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv  # type: ignore[attr-defined]

from benchmark.utils.delimited import SEPARATORS, likely_separator
from benchmark.utils.machine import threads

#: Cells that need a closer look at what they hold.
DOUBTFUL = (b'"', b'\0', b'\r')


@dataclass(frozen=True)
class Plain:
    """A table whose names are categories, in the order in which they come, and whose numbers are numbers.

    Attributes:
        frame: The table; an empty number is NaN.
        separator: What stands between cells.
    """

    frame: pd.DataFrame
    separator: str

    @property
    def remarks(self) -> list[str]:
        """As :attr:`benchmark.utils.delimited.Delimited.remarks`."""
        return [] if self.separator == ',' else [f'separated by {SEPARATORS[self.separator]}']


def read_plain(path: Path, wanted: Collection[str], numbers: Callable[[list[str]], set[str]],
               names: Collection[str], integers: Collection[str] = ()) -> Plain | None:
    """A delimited file, where it is plain; else None.

    Args:
        path: The file.
        wanted: Names of columns that tell the right separator.
        numbers: Which of these columns hold numbers.
        names: Columns that become categories; any other holds text.
        integers: Columns that hold whole numbers, and are read as names are.
    """
    content = path.read_bytes()
    if b'\r' in content:
        content = content.replace(b'\r\n', b'\n')
    if any(sign in content for sign in DOUBTFUL) or b'\n' not in content:
        return None
    try:
        header = content[:content.find(b'\n')].decode()
    except UnicodeDecodeError:
        return None
    separator = likely_separator(header, wanted)
    columns = [name.strip() for name in header.split(separator)]
    sign = separator.encode()
    if (len(columns) < 2 or '' in columns or len({*columns}) < len(columns) or header[:1] in ' \ufeff'
            or re.fullmatch('sep=.', header) or sign != b'\t' and (sign + b' ' in content or b'\n ' in content)):
        return None
    floats = numbers(columns)
    text = pa.dictionary(pa.int32(), pa.string())
    try:
        table = read_csv(
            pa.py_buffer(content), ReadOptions(column_names=columns, skip_rows=1, use_threads=threads() > 1),
            ParseOptions(delimiter=separator, quote_char=False, double_quote=False),
            ConvertOptions(column_types={name: pa.float64() if name in floats else text for name in columns},
                           null_values=[''], strings_can_be_null=False)).unify_dictionaries()
    except pa.ArrowInvalid:
        return None
    found: dict[str, object] = {}
    for name, column in zip(columns, table.columns, strict=True):
        if name in floats:
            found[name] = values = column.to_numpy()
            if np.isnan(values).sum() > column.null_count:  # the word, in whatever spelling
                return None
            continue
        one = column.combine_chunks()
        words = one.dictionary.to_pylist()
        # A row of empty cells is none; such a row has an empty first cell.
        if (name == columns[0] and not all(map(str.strip, words)) or name in integers and ',' in ''.join(words)
                or max(map(len, words), default=0) > field_size_limit()):
            return None
        codes = one.indices.to_numpy()
        found[name] = (pd.Categorical.from_codes(codes, pd.Index(words, dtype=object)) if name in names else
                       pd.Series(np.array(words, dtype=object)[codes], dtype=object))
    if columns[0] in floats and pd.isna(found[columns[0]]).any():
        return None
    return Plain(pd.DataFrame(found), separator)
