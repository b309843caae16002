"""Names and mirror images of landmarks from the config of a data set that MMPose reads, without executing it."""

from __future__ import annotations

import ast
from pathlib import Path

from benchmark.datasets.metainfo import DataError, LandmarkMeta, read_json


def read_metainfo(path: Path) -> LandmarkMeta:
    """The scheme of a metainfo file: MMPose's Python config with ``keypoint_info``, or a prepared set's metainfo.json.

    Raises:
        DataError: No such file, or one without names.
    """
    if path.suffix == '.json':
        return LandmarkMeta.from_dict(read_json(path), str(path))
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f'--metainfo: {path}: {error}. Give the Python config of the data set in MMPose, or a '
                        'metainfo.json.') from None
    found = next((node for node in ast.walk(tree) if _name(node) == 'keypoint_info'), None)
    entries = None if found is None else _plain(found)
    if not isinstance(entries, dict) or not entries or not all(isinstance(e, dict) for e in entries.values()):
        raise DataError(f'--metainfo: {path}: no keypoint_info of plain values. Give the config that says '
                        '`keypoint_info={0: dict(name=..., swap=...), ...}`.')
    rows = [entries[key] | dict(id=entries[key].get('id', key)) for key in entries]
    if sorted(map(str, (row['id'] for row in rows))) != sorted(map(str, range(len(rows)))):
        raise DataError(f'--metainfo: {path}: keypoint_info: the ids are not 0 to {len(rows) - 1}. Correct them.')
    rows.sort(key=lambda row: row['id'])
    names = [str(row.get('name', '')) for row in rows]
    flips = list(range(len(names)))
    for k, row in enumerate(rows):
        if swap := row.get('swap'):
            if swap not in names:
                raise DataError(f'--metainfo: {path}: keypoint_info: swap of {names[k]!r} is {swap!r}, which is no '
                                'name. Correct it.')
            flips[k] = names.index(swap)
    return LandmarkMeta.from_dict(dict(name=path.stem, landmarks=names, flip_indices=flips), f'--metainfo: {path}')


def _name(node: ast.AST) -> str | None:
    """What a keyword argument, or a key of a dict or a variable with a value, is called."""
    if isinstance(node, ast.keyword):
        return node.arg
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _plain(node: ast.AST) -> object:
    """The value of literals and of ``dict(...)`` with keywords; None for anything else."""
    if isinstance(node, (ast.keyword, ast.Assign)):
        return _plain(node.value)
    if isinstance(node, ast.Dict):
        return {ast.literal_eval(key): _plain(value) for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        return {one.arg: _plain(one.value) for one in node.keywords if one.arg}
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
