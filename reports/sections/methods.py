"""What the methods are, and in which settings their configs differ."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from benchmark.statistics.decodings import used

from ..decodings import word
from ..heatmaps import folder_of
from ..views import trained_on
from .base import Section, Skip, register

ABSENT = object()
#: Settings that say which run it is, not which method.
OF_THE_RUN = ('randomness', 'work_dir', 'experiment_name')
LONGEST = 90
CALL_DEPTH = 60


@register
class Methods(Section):
    """Descriptions, and the keys of the runs' configs that are not the same for all methods."""

    name = 'methods'
    title = 'Methods'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where there are neither runs nor descriptions."""
        configs = {name: own for name in analysis['order']['methods'] if (own := self.configs(analysis, name))}
        described = [name for name in analysis['order']['methods'] if analysis['methods'][name]['description']]
        if not configs and not described:
            return Skip('There are no runs beside the analysis, so their configs can\'t be compared.')
        first = {name: own[0] for name, own in configs.items()}
        changing = {path for own in configs.values() for path, _ in differences({str(k): c for k, c in enumerate(own)})}
        rows = [(path, values) for path, values in differences(first) if path not in changing] if first else []
        decoding = used(analysis['settings'], analysis['conditions'][analysis['main_condition']]['label'])
        return {'views': trained_on(analysis), 'decoding': decoding and word(decoding), 'described': described,
                'shown': [*first], 'rows': rows, 'runs': sum(map(len, configs.values()))}

    def configs(self, analysis: dict[str, Any], method: str) -> list[dict[str, Any]]:
        """The configs of a method's runs under the main condition, by seed; what can't be read is left out."""
        runs = (self.base / 'runs').resolve()
        found = []
        for item in sorted(analysis['runs']['items'], key=lambda item: item['seed']):
            if item['method'] == method and item.get('condition') == analysis['main_condition']:
                path = _inside(runs, f'{folder_of(item)}/config.py')
                config = read_config(path) if path else None
                found += [config] if config else []
        return found


def _inside(folder: Path, name: str) -> Path | None:
    """A file's path, if it lies in the folder."""
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):  # such as a name with a null byte
        return None


def read_config(path: Path) -> dict[str, Any] | None:
    """The assignments of a config that are literals, ``dict(...)`` among them; nothing is executed.

    Args:
        path: A complete MMEngine config as a run writes it.

    Returns:
        None where it can't be read.
    """
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name) and target.id not in OF_THE_RUN:
                found[target.id] = literal(statement.value)
    return found


def literal(node: ast.expr, depth: int = 0) -> Any:
    """The value of an expression without names; text of what is more than that."""
    if depth < CALL_DEPTH:
        if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'dict' and not node.args:
            return {key.arg or '**': literal(key.value, depth + 1) for key in node.keywords}
        if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
            return {key.value: literal(value, depth + 1) for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)}
        if isinstance(node, (ast.List, ast.Tuple)):
            return [literal(item, depth + 1) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ast.unparse(node)


def differences(contents: dict[str, Any], path: str = '') -> list[tuple[str, dict[str, str]]]:
    """Keys in which contents differ, with each one's value in words.

    A part that some lack is one row if all others agree on it; else the comparison goes on inside.

    Args:
        contents: Name -> mapping or value; :data:`ABSENT` where there is none.
        path: Where they are.
    """
    values = [*contents.values()]
    if all(_same(value, values[0]) for value in values[1:]):
        return []
    present = [value for value in values if value is not ABSENT]
    agree = all(_same(value, present[0]) for value in present[1:])
    if all(isinstance(value, dict) for value in present) and (len(present) == len(values) or not agree):
        keys = sorted({key for value in present for key in value}, key=str)
        parts = {key: {name: value.get(key, ABSENT) if value is not ABSENT else ABSENT
                       for name, value in contents.items()} for key in keys}
        return [row for key in keys for row in differences(parts[key], f'{path}.{key}' if path else str(key))]
    return [(path, {name: words(value) for name, value in contents.items()})]


def _same(one: Any, other: Any) -> bool:
    """Equal in kind too: 1 is not True, nor 1.0."""
    return one is other or (one is not ABSENT and other is not ABSENT and _key(one) == _key(other))


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def words(value: Any) -> str:
    """A value on one line; of a path on the machine only its end."""
    if value is ABSENT:
        return ''
    if isinstance(value, dict):
        inner = ', '.join(f'{key}={words(item)}' for key, item in value.items() if key != 'type')
        text = f'{value["type"]}({inner})' if 'type' in value else f'{{{inner}}}'
    elif isinstance(value, list):
        text = ', '.join(words(item) for item in value)
        text = f'({text})'
    else:
        text = re.sub(r'^(?:[A-Za-z]:)?[/\\].*[/\\]', '…/', str(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'
