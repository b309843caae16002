"""The guidelines, filled: each item with its evidence, or open. Nobody types a verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .claim import CLAIM
from .files import Files
from .items import Evidence, Guideline, Item, Rule
from .tripod import TRIPOD

GUIDELINES = (CLAIM, TRIPOD)
EVIDENCE, PART, OPEN = 'evidence', 'evidence in part', 'open'
TO_WRITE = 'open: to be written by the authors'


@dataclass(frozen=True)
class Answer:
    """An item with what was found for it."""

    item: Item
    evidence: tuple[Evidence, ...]
    lacking: tuple[str, ...]

    @property
    def state(self) -> str:
        """Open without evidence; in part where the authors have to add something."""
        return OPEN if not self.evidence else PART if self.to_write else EVIDENCE

    @property
    def to_write(self) -> str:
        """What the authors have to write: what no file can hold, and what these files lack."""
        if not self.evidence:
            return TO_WRITE
        lacking = f'not found: {", ".join(self.lacking)}' if self.lacking else ''
        return '; '.join(one for one in (self.item.remains, lacking) if one)


@dataclass(frozen=True)
class Filled:
    """A guideline with an answer for each of its items."""

    guideline: Guideline
    answers: tuple[Answer, ...]

    def count(self, *states: str) -> int:
        """Items in one of the states."""
        return sum(one.state in states for one in self.answers)

    @property
    def headline(self) -> str:
        """The counts in a sentence."""
        part = self.count(PART)
        told = f'{self.count(EVIDENCE, PART)} of {len(self.answers)} have evidence'
        return told + (f', {part} of them in part' if part else '')


def filled(files: Files) -> tuple[Filled, ...]:
    """All guidelines, with the evidence that the files have."""
    return tuple(Filled(one, tuple(_answer(item, files) for item in one.items)) for one in GUIDELINES)


def _answer(item: Item, files: Files) -> Answer:
    found = [(rule, rule(files)) for rule in item.rules]
    return Answer(item, tuple(one for _, one in found if one), tuple(_sought(rule) for rule, one in found if not one))


def _sought(rule: Rule) -> str:
    """What a rule looks for: the first line of its docstring, within a sentence."""
    line = (rule.__doc__ or '').partition('\n')[0].rstrip('.')
    return line[:1].lower() + line[1:]


def as_json(forms: Sequence[Filled]) -> str:
    """``checklist.json``: by guideline, the counts and each item with its state and evidence."""
    content = {one.guideline.key: {
        'name': one.guideline.name, 'source': one.guideline.source, 'counted': one.guideline.counted,
        'counts': {state: one.count(state) for state in (EVIDENCE, PART, OPEN)},
        'items': [{'number': answer.item.number, 'part': answer.item.part, 'asks': answer.item.asks,
                   'state': answer.state, 'evidence': [asdict(found) for found in answer.evidence],
                   'to_write': answer.to_write or None}
                  for answer in one.answers]} for one in forms}
    return json.dumps(content, indent=1, ensure_ascii=False) + '\n'


def as_markdown(forms: Sequence[Filled]) -> str:
    """``checklist.md``: a table a guideline, to be completed by the authors."""
    parts = ['# Reporting forms', 'Filled with what the suite’s files can prove. Items are in our own words: compare '
             'with the published forms. Evidence says where something stands, not that it suffices.']
    for one in forms:
        parts += [f'## {one.guideline.name}: {one.headline}', f'{_plain(one.guideline.source)} '
                  f'({one.guideline.counted})', '\n'.join([
                      '| item | asks for | evidence | to be written by the authors |', '|---|---|---|---|',
                      *(_row(answer) for answer in one.answers)])]
    return '\n\n'.join(parts) + '\n'


def _row(answer: Answer) -> str:
    found = '<br>'.join(f'{_plain(one.says)} ({where(one)})' for one in answer.evidence)
    return f'| {answer.item.number} | {_plain(answer.item.asks)} | {found} | {answer.to_write} |'


def where(one: Evidence) -> str:
    """File and field of an evidence, as ``analysis.json: data.splits``."""
    return f'`{one.file}`' + (f': `{one.field}`' if one.field else '')


def _plain(text: str) -> str:
    return ' '.join(text.replace('\\', '\\\\').replace('|', '\\|').replace('<', '&lt;').split())
