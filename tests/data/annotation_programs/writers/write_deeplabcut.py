"""Labels as napari-deeplabcut's save writes them: one animal, and two animals with a unique body part."""

import importlib.metadata
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from napari_deeplabcut.core.io import write_hdf

sys.path.insert(0, str(Path(__file__).parent))
from write_points import NAMES, points  # noqa: E402


def write(folder, columns, rows):
    """Rows of image, individual, body part and position, written as the program does, in its order: frame, y, x."""
    folder.mkdir(parents=True, exist_ok=True)
    target = dict(anchor=str(folder), source_relpath_posix='CollectedData_anna.h5', kind='gt',
                  dataset_key='df_with_missing', scorer='anna')
    data = np.array([[frame, y, x] for frame, _, _, (x, y) in rows])
    write_hdf('__dlc__.h5', data, dict(
        name='CollectedData_anna',
        properties=dict(label=[part for _, _, part, _ in rows], id=[person for _, person, _, _ in rows],
                        likelihood=[1.0] * len(rows)),
        metadata=dict(header=dict(columns=[tuple(c) for c in columns], names=list(columns.names)),
                      paths=[f'labeled-data/{folder.name}/{k}.png' for k in range(4)], root=str(folder),
                      name='CollectedData_anna', save_target=target, io=target)))


root = Path(sys.argv[1]) / 'deeplabcut' / 'labeled-data'
one = pd.MultiIndex.from_product([['anna'], NAMES, ['x', 'y']], names=['scorer', 'bodyparts', 'coords'])
write(root / 'walk', one, [(k, '', name, points(k)[i]) for k in range(4) for i, name in enumerate(NAMES)
                           if (k, i) != (2, 1)])
two = pd.MultiIndex.from_tuples(
    [('anna', person, part, axis) for person, parts in (('one', NAMES), ('two', NAMES), ('single', ['corner']))
     for part in parts for axis in 'xy'], names=['scorer', 'individuals', 'bodyparts', 'coords'])
rows = [(k, person, name, points(k)[i] + shift) for person, shift in (('one', 0), ('two', 5)) for k in range(4)
        for i, name in enumerate(NAMES) if (k, person) != (3, 'two')]
write(root / 'pair', two, [*rows, (0, 'single', 'corner', np.array([1.0, 2.0]))])
print('napari-deeplabcut', importlib.metadata.version('napari-deeplabcut'))
