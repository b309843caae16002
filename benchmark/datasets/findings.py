"""What a check found, and how it is told on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmark.datasets.metainfo import DataError

SEVERITIES = ('error', 'warning')
#: Findings shown of each kind, and where there are more kinds than SCREEN_KINDS.
SHOWN, SHOWN_OF_MANY, SCREEN_KINDS = 3, 1, 6
#: Values of a subgroup field that the summary shows, and letters of a message that the screen does.
SHOWN_VALUES, SHOWN_LETTERS = 12, 600


class Finding(NamedTuple):
    """One problem: ``error`` or ``warning``, a short kind such as ``same-image``, and a line that names the file."""

    severity: str
    kind: str
    message: str


@dataclass
class Report:
    """What ``check_dataset`` found.

    Attributes:
        root: The data set.
        findings: Errors, which make the set unusable, and warnings, at which a person should look; in the order found.
        summary: For each split the number of images and subjects, and the images per group and landmark.
    """

    root: Path
    findings: list[Finding] = field(default_factory=list)
    summary: dict[str, dict] = field(default_factory=dict)

    def add(self, severity: str, kind: str, message: str) -> None:
        """Adds a finding.

        Args:
            severity: ``error`` or ``warning``.
            kind: A few letters that findings of one kind share; the screen counts by it.
            message: One line: file, record and remedy.
        """
        if severity not in SEVERITIES:
            raise ValueError(f'{severity!r} is none of {SEVERITIES}.')
        self.findings.append(Finding(severity, kind, message))

    def replace(self, change: Callable[[str], str]) -> None:
        """Rewrites all messages."""
        self.findings = [one._replace(message=change(one.message)) for one in self.findings]

    @property
    def errors(self) -> list[str]:
        """The errors' messages; a list of its own, ``add`` adds to the report."""
        return [one.message for one in self.findings if one.severity == 'error']

    @property
    def warnings(self) -> list[str]:
        """The warnings' messages; a list of its own, ``add`` adds to the report."""
        return [one.message for one in self.findings if one.severity == 'warning']

    @property
    def ok(self) -> bool:
        """True without errors; warnings do not count."""
        return not self.errors

    def kinds(self) -> list[tuple[str, str, list[str]]]:
        """Severity, kind and messages of each kind, errors first, then as they were found."""
        kinds: dict[tuple[str, str], list[str]] = {}
        for one in self.findings:
            kinds.setdefault((one.severity, one.kind), []).append(one.message)
        return [(*key, kinds[key]) for key in sorted(kinds, key=lambda key: SEVERITIES.index(key[0]))]

    def shown(self, limit: int | None = None) -> int:
        """Findings of each kind that the screen has room for: ``limit``, else 3, or 1 where there are many kinds."""
        if limit is not None:
            return limit
        return SHOWN if len(self.kinds()) <= SCREEN_KINDS else SHOWN_OF_MANY

    def cut(self, limit: int | None = None) -> bool:
        """Whether ``text`` leaves findings out."""
        count = self.shown(limit)
        return any(len(messages) > count or any(len(message) > SHOWN_LETTERS for message in messages)
                   for _, _, messages in self.kinds())

    def text(self, limit: int | None = None) -> str:
        """Summary, kinds with their counts, and the first findings of each, as lines.

        Args:
            limit: Findings to show of each kind; None: as many as fit on a screen.
        """
        lines = self._summary()
        count = self.shown(limit)
        for severity, kind, messages in self.kinds():
            lines.append(f'{severity}s: {kind}: {len(messages)}')
            lines += [f'  {severity}: {_shortened(message)}' for message in messages[:count]]
            if len(messages) > count:
                lines.append(f'  ... and {len(messages) - count} more of {len(messages)}')
        lines.append(f'{self.root}: {len(self.errors)} errors, {len(self.warnings)} warnings')
        return '\n'.join(lines)

    def _summary(self) -> list[str]:
        lines = []
        for split, count in self.summary.items():
            subjects = '' if count['subjects'] is None else f', {count["subjects"]} subjects'
            visible, possible = sum(count['landmarks'].values()), count['images'] * len(count['landmarks'])
            landmarks = f', {visible} of {possible} landmarks' if possible else ''
            lines.append(f'{split}: {count["images"]} images{subjects}{landmarks}')
            for name, values in count['groups'].items():
                shown = [f'{value} {n}' for value, n in values.items()]
                more = f', ... and {len(shown) - SHOWN_VALUES} more' if len(shown) > SHOWN_VALUES else ''
                lines.append(f'  {name}: ' + ', '.join(shown[:SHOWN_VALUES]) + more)
        return lines

    def write(self, path: Path) -> None:
        """Writes all findings to a file, one a line after its severity and kind.

        Raises:
            DataError: The file would lie in the data set, where it could change the set's fingerprint.
        """
        path = Path(path)
        if path.resolve().is_relative_to(self.root.resolve()):
            raise DataError(f'--report: {path} lies in the data set. Give a file outside of {self.root}.')
        rows = ['\t'.join((one.severity, one.kind, ' '.join(one.message.split()))) for one in self.findings]
        path.write_text('\n'.join(['severity\tkind\tmessage', *rows]) + '\n', encoding='utf-8')


def _shortened(message: str) -> str:
    """A message as the screen has room for it."""
    return message if len(message) <= SHOWN_LETTERS else f'{message[:SHOWN_LETTERS - 4]} ...'


def default_file(root: Path) -> Path:
    """Where the findings of a data set go that the screen has no room for: ``ROOT.check.txt``, beside its folder."""
    root = Path(root).resolve()
    return root.with_name(f'{root.name}.check.txt')
