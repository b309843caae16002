"""In what errors are measured: distances in the photograph, and one unit where inputs differ.

Symbols, per row of the results table: p - q: prediction minus truth in pixels of the photograph (the prepared image),
s_x, s_y: heatmap pixels per such pixel (columns ``scale_x``, ``scale_y``), s = sqrt(s_x s_y).

    error       = |((p - q)_x s_x, (p - q)_y s_y)|      heatmap pixels, the paper's protocol
    error_photo = |p - q|                               pixels of the photograph

Where s_x = s_y they differ by a factor. Where an image is squeezed they do not, and where inputs or strides differ the
factor is another one in each condition, so that nothing can be compared in heatmap pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .alerts import alert
from .endpoints import ENDPOINTS
from .layout import Layout
from .scale import COLUMNS, SCALES, one_scale

#: Proportions that differ by less than this share are those of rounding an image to whole pixels.
SQUEEZED = 0.01
#: Scales that differ by less than this share are the same.
SAME = 1e-6


def squeezed(table: pd.DataFrame, labels: Mapping[str, str]) -> list[dict[str, str]]:
    """Alerts of conditions whose images are squeezed to the network's input, the same words once.

    Args:
        table: The results table.
        labels: Condition -> its name for readers.
    """
    if not set(COLUMNS) <= set(table.columns):
        return []
    found: dict[str, list[str]] = {}
    for name, label in labels.items():
        rows = table[table['condition'] == name]
        if len(rows) and (text := _squeezed(rows)) is not None:
            found.setdefault(text, []).append(label)
    where = {text: f'{", ".join(own)}: ' if len(labels) > 1 else '' for text, own in found.items()}
    return [alert('squeezed images', where[text] + text) for text in found]


def _squeezed(rows: pd.DataFrame) -> str | None:
    across, down = rows['scale_x'].to_numpy(np.float64), rows['scale_y'].to_numpy(np.float64)
    ratio = np.nan_to_num(np.maximum(across / down, down / across), nan=1.0)
    if not (ratio > 1 + SQUEEZED).any():
        return None
    images = rows['image'].to_numpy()
    worst = int(ratio.argmax())
    count, among = len(set(images[ratio > 1 + SQUEEZED])), len(set(images))
    way = 'down counts {:.3g} times as much as one across' if down[worst] > across[worst] else \
        'across counts {:.3g} times as much as one down'
    return (f'{count} of {among} test images are squeezed to the network\'s input: in {images[worst]} a heatmap pixel '
            f'is {1 / across[worst]:.3g} pixels of the photograph across and {1 / down[worst]:.3g} down, and a pixel '
            f'{way.format(ratio[worst])}. That is so in ME and in FR, AUC and success rates in heatmap pixels; NME, '
            "millimetres, photo and input pixels are distances in the photograph. The setting resize='letterbox' pads "
            'instead.')


def one_unit(table: pd.DataFrame, layout: Layout,
             alerts: list[dict[str, str]]) -> tuple[pd.DataFrame, str | None]:
    """The table with all errors in heatmap pixels of the main condition, image by image.

    The error of image i in a row with scale s becomes s_0(i) / s times as large, with s_0(i) the image's scale in the
    main condition (of its first method, should methods differ). So a threshold, a margin and a cap, which are declared
    in its heatmap pixels, are everywhere the same distance in the photograph, also where photographs differ in size. An
    image that the main condition lacks takes the median factor of its row's condition and method.

    Args:
        table: The results table.
        layout: Conditions and methods in their order.
        alerts: What a reader has to know is appended.

    Returns:
        The table, the same object where no scale differs, and the endpoint that conditions are then compared in, else
        None.
    """
    if not set(COLUMNS) <= set(table.columns):
        return table, None
    scale = one_scale(table)
    main = (table['condition'] == layout.main).to_numpy()
    there = set(table['method'].to_numpy()[main])
    own = main & (table['method'] == next(name for name in layout.methods if name in there)).to_numpy()
    reference = pd.Series(scale[own], index=table['image'].to_numpy()[own])
    reference = reference[~reference.index.duplicated()]
    factor = pd.Series(table['image'].map(reference).to_numpy(np.float64) / scale, index=table.index)
    usual = factor.groupby([table['condition'], table['method']], observed=True).transform('median')
    factor = factor.fillna(usual).fillna(1.0).to_numpy()
    factor = np.where(np.abs(factor - 1) < SAME, 1.0, factor)
    if (factor == 1).all():
        return table, None
    common = common_endpoint(table)
    label = layout.conditions[layout.main]['label']
    pixels = [f'{1 / np.median(scale[(table["condition"] == condition).to_numpy()]):.3g} under {name}'
              for condition, name in ((key, about['label']) for key, about in layout.conditions.items())
              if (table['condition'] == condition).any()]
    alerts.append(alert('inputs differ', (
        f'A heatmap pixel is not the same distance in the photograph everywhere (in photo px, median over images: '
        f'{", ".join(pixels)}). Conditions are compared in {ENDPOINTS[common].unit_words}. Errors, margins and '
        f'thresholds in heatmap pixels, so ME, FR and AUC, are in those of {label} everywhere, image by image.')))
    between = [name for name in table.columns if name.startswith('between_') and not name.startswith('between_mm_')]
    changed = {name: table[name] * factor for name in ('error', 'normalizer', *SCALES, *between)
               if name in table.columns}
    return table.assign(**changed), common


def common_endpoint(table: pd.DataFrame) -> str:
    """The endpoint in whose unit errors of unlike inputs are compared.

    Millimetres where all rows have them, else percent of the normalising distance where all have one, else pixels of
    the photograph.
    """
    def known(column: str) -> bool:
        # A missing prediction has an error in no unit.
        return column in table.columns and bool(table.loc[table['error'].notna(), column].notna().all())

    return 'ME_mm' if known('error_mm') else 'NME' if known('normalizer') else 'ME_photo'


def described(endpoint: str | None) -> dict[str, Any] | None:
    """The block of ``analysis.json``: the endpoint, and how it stands on an axis."""
    if endpoint is None:
        return None
    about = ENDPOINTS[endpoint]
    return {'endpoint': endpoint, 'label': about.head, 'unit': about.difference,
            'factor': float(about.factor)}
