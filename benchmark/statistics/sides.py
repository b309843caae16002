"""A side of a contrast over suites: a method of one of them, and what is recorded of all sides together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .folders import Folder


@dataclass(frozen=True)
class Term:
    """A side of a contrast: a ``method`` of a ``folder`` under one of its conditions."""

    folder: Folder
    method: str
    condition: str
    main: str

    @property
    def name(self) -> str:
        """``A/ft``, and ``A/ft@few`` where the condition is not the main one."""
        return f'{self.folder.name}/{self.method}' + ('' if self.condition == self.main else f'@{self.condition}')

    @property
    def label(self) -> str:
        """``FT (A)``."""
        label = str(self.folder.methods[self.method].get('label') or self.method)
        return f'{label} ({"" if self.condition == self.main else self.under + ", "}{self.folder.name})'

    @property
    def under(self) -> str:
        """The condition's label."""
        return str(self.folder.conditions.get(self.condition, {}).get('label') or self.condition)

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Its planned runs."""
        return [run for run in self.folder.plan['runs']
                if str(run['method']) == self.method and str(run['condition']) == self.condition]

    @property
    def rows(self) -> pd.DataFrame:
        """Its rows of the folder's table."""
        table = self.folder.suite.table
        return table[(table['method'] == self.method) & (table['condition'] == self.condition)]


def described_of(term: Term) -> str:
    """What a method is, and where it was trained."""
    about = str(term.folder.methods[term.method].get('description') or '').strip()
    return f'{about} From {term.folder.path}, {term.under}.'.strip()


def data_of(used: Sequence[Folder]) -> dict[str, Any]:
    """The data set; sizes of inputs only where all suites have the same, since settings hold them too."""
    blocks = [folder.plan['data'] for folder in used]
    return {key: value for key, value in blocks[0].items() if all(block.get(key) == value for block in blocks)
            or key not in ('input_size', 'heatmap_size')} | {
        'measurements': {name: declared for block in reversed(blocks)
                         for name, declared in (block.get('measurements') or {}).items()}}


def settings_of(terms: Sequence[Term]) -> dict[str, Any]:
    """How the methods train: what all share, then what is each one's own."""
    own = {term.label: _own_settings(term) for term in terms}
    first = next(iter(own.values()))
    shared = {key: value for key, value in first.items()
              if all(key in one and one[key] == value for one in own.values())}
    return shared | {label: apart for label, one in own.items()
                     if (apart := {key: value for key, value in one.items() if key not in shared})}


def _own_settings(term: Term) -> dict[str, Any]:
    settings = term.folder.plan.get('settings') or {}
    label = str(term.folder.methods[term.method].get('label') or term.method)
    places = [settings.get(place) for place in (term.under, label, f'{label}, {term.under}')]
    return {key: value for one in (settings, *places) if isinstance(one, dict)
            for key, value in one.items() if not isinstance(value, dict)}


def source_of(terms: Sequence[Term]) -> dict[str, Any] | None:
    """The first suite's source, and under ``methods`` those of methods that take another."""
    blocks = [(term, block) for term in terms if (block := term.folder.plan.get('source'))]
    if not blocks:
        return None
    base = {key: value for key, value in blocks[0][1].items() if key != 'methods'}
    own = {}
    for term, block in blocks:
        block = block.get('methods', {}).get(term.method) or block
        if block.get('hash') != base.get('hash') and any(run.get('source_hash') for run in term.runs):
            own[term.name] = {key: block[key] for key in ('description', 'hash', 'path', 'judged') if key in block}
    return base | ({'methods': own} if own else {})


def tuning_of(terms: Sequence[Term], label: str) -> dict[str, Any]:
    """The trials of tuned methods."""
    def named(folder: Folder, name: str | None) -> str | None:
        return None if name is None else f'{folder.name}/{name}'

    groups = [{**group, 'method': term.name, 'condition': label, 'chosen': named(term.folder, group['chosen']),
               'tries': [{**one, 'id': named(term.folder, one['id'])} for one in group['tries']]}
              for term in terms for group in (term.folder.plan.get('tuning') or {}).get('groups', ())
              if group['method'] == term.method and group['condition'] == term.condition]
    if not groups:
        return {}
    about = next(block for term in terms if (block := term.folder.plan.get('tuning')))
    return {'tuning': {**about, 'groups': groups}}


def ensembles_of(used: Sequence[Folder], terms: Sequence[Term], label: str) -> dict[str, Any] | None:
    """What the networks of each method give together; None where no folder has that."""
    there = [term for term in terms if term.folder.suite.ensembles is not None]
    if not there:
        return None
    found: dict[str, Any] = {'ensembles': [], 'left_out': []}
    tables = []
    for term in there:
        content = term.folder.suite.ensembles or {}
        for key in found:
            found[key] += [{**one, 'method': term.name, 'condition': label} for one in content[key]
                           if one['method'] == term.method and one['condition'] == term.condition]
        table = content['table']
        tables.append(table[(table['method'] == term.method) & (table['condition'] == term.condition)].assign(
            method=term.name, condition=label))
    return {**found, 'table': pd.concat(tables, ignore_index=True)}
