"""``KEY=VALUE`` on a command line, as MMEngine reads it, but for blanks within values, which MMEngine deletes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

PAIRS = {'(': ')', '[': ']'}


class KeyValues(argparse.Action):
    """Reads ``key=value``: numbers, True, False and None as such, lists with commas or in brackets, tuples in (...).

    Blanks around a value, and around an entry of a list, are no part of it; those within are: a path or a label may
    have some. Quotation marks around it are taken off.
    """

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: str | Sequence[Any] | None, option_string: str | None = None) -> None:
        """Adds what is typed to the option's dict; what is no ``key=value`` ends the command with exit code 2."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for word in [values] if isinstance(values, str) else values or ():
            key, found, value = str(word).partition('=')
            if not found or not key:
                raise argparse.ArgumentError(self, f'{word!r} is no KEY=VALUE; write a.b=1, in quotation marks where '
                                                   'it has blanks')
            try:
                options[key] = parsed(value)
            except ValueError as error:
                raise argparse.ArgumentError(self, f'{key}: {error}') from None
        setattr(namespace, self.dest, options)


def parsed(text: str) -> Any:
    """A value as it is meant.

    Raises:
        ValueError: Brackets without their other half.
    """
    text = text.strip().strip('\'"').strip()
    bracketed = text[:1] in PAIRS and _closing(text) == len(text) - 1
    entries = _split(text[1:-1] if bracketed else text) if bracketed or ',' in text else [text]
    if not bracketed and len(entries) == 1:
        return _one(text)
    # As in Python a comma may stand last.
    values = [parsed(entry) for entry in (entries if entries[-1].strip() else entries[:-1])]
    return tuple(values) if bracketed and text[0] == '(' else values


def _one(text: str) -> Any:
    """A number, True, False, None, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {'true': True, 'false': False}.get(text.lower(), None if text == 'None' else text)


def _closing(text: str) -> int:
    """The place of the bracket that closes the first one."""
    open_: list[str] = []
    for place, sign in enumerate(text):
        if sign in PAIRS:
            open_.append(PAIRS[sign])
        elif open_ and sign == open_[-1]:
            open_.pop()
            if not open_:
                return place
    return -1


def _split(text: str) -> list[str]:
    """Parts between commas that lie in no brackets."""
    parts, open_ = [''], 0
    for sign in text:
        open_ += (sign in PAIRS) - (sign in PAIRS.values())
        if open_ < 0:
            break
        if sign == ',' and not open_:
            parts.append('')
        else:
            parts[-1] += sign
    if open_:
        raise ValueError(f'{text!r} has a bracket without its other half; complete it')
    return parts
