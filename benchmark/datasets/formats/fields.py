"""Fields beside the landmarks: which one tells the persons apart, holds the spacing, or is used by nobody."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from benchmark.datasets.metainfo import DataError
from benchmark.datasets.values import spelling_key
from benchmark.utils.person import looks_like_person

PATTERN_HELP = ('what tells the persons apart: a field of SRC, or a regular expression with a group, such as '
                "'^(p[0-9]+)_' or '^([^/]+)/', on the image's name with its folders; `none`: every image is a person "
                '(default: the field subject, where SRC has it)')
#: Words of ``--subject`` for 'every image is another person'.
NOBODY = 'none'
_SPACING = re.compile(r'(.*[ _.-])?(mm_?per_?(px|pixel)|mm_?px|pixel_?(spacing|size)|spacing)([ _.-]mm)?',
                      re.IGNORECASE)


def looks_like_spacing(name: str) -> bool:
    """Whether a field's name says that it holds millimetres per pixel, such as ``mm_per_pixel``."""
    return bool(_SPACING.fullmatch(re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name)))


def ask_for_persons(entries: Sequence[tuple[Mapping[str, object], str]], args: argparse.Namespace,
                    declared: Iterable[str] = (), what: str = 'field') -> None:
    """Asks where a field looks like the person, several images share a value, and nothing was declared.

    Args:
        entries: Fields of each image, and file and record for messages.
        args: ``subject``; anything but None is an answer.
        declared: Fields that are known to be something else, such as groups.
        what: ``field`` or ``column``, for the message.

    Raises:
        DataError: There is such a field.
    """
    if args.subject is not None or any('subject' in fields for fields, _ in entries):
        return
    for name in dict.fromkeys(name for fields, _ in entries for name in fields):
        if name in declared or not looks_like_person(name):
            continue
        first: dict[str, str] = {}
        for fields, where in entries:
            value = fields.get(name)
            if value in (None, '') or isinstance(value, (dict, list)):
                continue
            key = spelling_key(str(value))
            if key in first:
                other = first[key].rpartition(': ')[2]
                raise DataError(f'{where}: {what} {name!r} looks like the person, and is {str(value)!r} here as in '
                                f'{other}. Two images of one person must not be in two splits: say --subject '
                                f'{name}, or --subject {NOBODY} where every image is another person.')
            first[key] = where


def person_pattern(subject: str) -> re.Pattern[str]:
    """The regular expression of ``--subject``.

    Raises:
        DataError: It is malformed, or has no group.
    """
    try:
        pattern = re.compile(subject)
    except re.error as error:
        raise DataError(f'--subject: {subject!r} is no regular expression ({error}).') from None
    if not pattern.groups:
        raise DataError(f'--subject: {subject!r} has no group. Put the part that names the person in parentheses.')
    return pattern


def find_subject(entries: Sequence[tuple[str, Mapping[str, object], str]],
                 subject: str | None) -> tuple[str | None, list[str | None]]:
    """The person of each image, by ``--subject``.

    Args:
        entries: Image, fields, and file and record for messages, of each.
        subject: A field, a pattern with a group on the image's name without its ending, ``none``, or None: the field
            ``subject`` where there is one.

    Returns:
        The field of the prepared set that holds the person, or None; and each image's person.

    Raises:
        DataError: A field that is missing, or a pattern that is malformed or finds nobody.
    """
    if subject == NOBODY or subject is None and not any('subject' in fields for _, fields, _ in entries):
        return None, [None] * len(entries)
    subject = subject or 'subject'
    if '(' in subject:
        pattern = person_pattern(subject)
        persons: list[str | None] = []
        for image, _, where in entries:
            name = PurePosixPath(image.replace('\\', '/')).with_suffix('').as_posix()
            found = pattern.search(name)
            if found is None or not found[1]:
                raise DataError(f'{where}: --subject {subject!r} finds nobody in {name!r}. Correct it, or rename the '
                                'file.')
            persons.append(found[1])
        return 'subject', persons
    persons = []
    for _, fields, where in entries:
        value = fields.get(subject)
        if value in (None, '') or isinstance(value, (dict, list)):
            raise DataError(f'{where}: --subject: there is no {subject!r}. Fields: {", ".join(fields) or "none"}; a '
                            "pattern on the image's name needs a group, such as '^(p[0-9]+)_'.")
        persons.append(str(value))
    return subject, persons


def spacing_of(fields: Mapping[str, object], where: str, spacing: str | None) -> float | None:
    """Millimetres per pixel by ``--spacing``: a field's value, or a number that holds for all images.

    Raises:
        DataError: No number above 0.
    """
    if spacing is None:
        return None
    try:
        fixed: object = float(spacing)
    except ValueError:
        fixed = None
        if fields.get(spacing) in (None, ''):
            raise DataError(f'{where}: --spacing: there is no {spacing!r}. Fields: {", ".join(fields) or "none"}.'
                            ) from None
    value = fields[spacing] if fixed is None else fixed
    if isinstance(value, list) and value and all(v == value[0] for v in value):
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise DataError(f'{where}: --spacing: {value!r} is no number of millimetres per pixel above 0. Correct it.')
    return number


def unused_note(entries: Iterable[Mapping[str, object]], used: Iterable[str | None],
                what: str = 'fields') -> list[str]:
    """A note on fields that nothing takes, and the options that would take those that look like something."""
    unused = [name for name in dict.fromkeys(name for fields in entries for name in fields) if name not in set(used)]
    if not unused:
        return []
    hints = [f'--spacing {name} takes it as millimetres per pixel' for name in unused if looks_like_spacing(name)]
    return [f'{what} that are not used: {", ".join(unused)} ({"; ".join([*hints, "--groups names subgroups"])})']
