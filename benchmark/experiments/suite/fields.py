"""Typed parts of a suite: one class says what a suite may hold; checks, messages and the docs' table come from it.

A field's annotation says what it takes: a plain type, a ``Literal``, a type with its :class:`.kinds.Kind`
(``Annotated``), another part, one of several parts (which its field ``type`` tells apart), or a dict of any of these.
Its default stands where a suite says nothing; its lines under ``Attributes:`` in the class's docstring are its meaning,
and end with ``Default: ...`` where the default is somebody else's, such as the methods' configs.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import operator
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from .kinds import DICT, FLAG, TEXT, Kind

P = TypeVar('P', bound='Part')

#: Annotations that need no kind, and what they take.
PLAIN: dict[Any, Kind] = {bool: FLAG, str: TEXT}
#: What annotations take whose checks are somebody else's.
WORDS = {int: 'a whole number', float: 'a number', tuple[str, ...]: 'a list of names',
         tuple[float, ...]: 'a list of numbers', tuple[tuple[str, str], ...]: 'a list of pairs of names',
         Mapping[str, float]: 'a dict of numbers'}
#: What :func:`entries` has found, by part.
_ENTRIES: dict[type[Any], dict[str, Any]] = {}
#: What tells parts apart that a field may be.
TYPE = 'type'


class Mistake(ValueError):
    """What a suite cannot mean: field, value and remedy in one line, but for the file."""


@dataclass(frozen=True)
class Part:
    """What a suite says of one thing; each subclass is one kind of dict in its file.

    Attributes:
        given: What was written, by field and in that order, which is what a plan holds of it.
    """

    #: Fields that the program fills in, and no suite.
    NOT_DECLARED: ClassVar[tuple[str, ...]] = ()

    given: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        _give(self, {one.name: value for one in dataclasses.fields(self)
                     if one.init and ((value := getattr(self, one.name)) != default(one) or one.name == TYPE)})

    def check(self, where: str) -> None:
        """Checks what is no single field's.

        Args:
            where: The part's dotted path.

        Raises:
            Mistake: Fields that contradict each other.
        """

    @classmethod
    def read(cls: type[P], content: Any, where: str = '') -> P:
        """Checks what a suite says, and gives it as a part.

        Args:
            content: A dict, as the suite's file has it.
            where: Its dotted path.

        Raises:
            Mistake: An unknown, missing or ill-typed field; names it and what to give.
        """
        content = cls._known(content, where)
        part = cls(**cls.values(content, where))
        _give(part, content)
        part.check(where)
        return part

    @classmethod
    def values(cls, content: dict[str, Any], where: str) -> dict[str, Any]:
        """Checks each field that is there, and gives it as its annotation says.

        Raises:
            Mistake: One is of another kind.
        """
        return {name: value_of(kind, content[name], at(where, name)) for name, kind in entries(cls).items()
                if name in content}

    @classmethod
    def _known(cls, content: Any, where: str) -> dict[str, Any]:
        """Checks that what a suite says is a dict of known fields with all that are needed.

        Returns:
            It without what is None where a field takes no None: that is as good as not there.

        Raises:
            Mistake: It is not.
        """
        fields = entries(cls)
        if not isinstance(content, dict):
            raise Mistake(f'{where}={content!r}: give a dict, such as dict({next(iter(fields))}=...).')
        kind = f"{at(where, TYPE)}={content.get(TYPE)!r}" if TYPE in fields else ''
        if unknown := sorted(map(str, set(content) - set(fields))):
            of, hint = (f' of {kind}', " What a base suite has more goes with dict(_delete_=True, ...).") if kind else (
                '', '')
            raise Mistake(f'unknown field {at(where, unknown[0])}{of}. Known fields here: '
                          f'{", ".join(nearest_first(unknown[0], fields))}.{hint}')
        kept = {name: value for name, value in content.items() if value is not None or takes_none(fields[name])}
        needed = [one.name for one in dataclasses.fields(cls) if one.init and default(one) is dataclasses.MISSING]
        if missing := [name for name in needed if name not in kept]:
            of = f', which {kind} needs' if kind else ''
            raise Mistake(f'{at(where, missing[0])} is missing{of}. Give {words(fields[missing[0]])}.')
        return kept


def _give(part: Part, given: dict[str, Any]) -> None:
    object.__setattr__(part, 'given', given)


def default(one: dataclasses.Field[Any]) -> Any:
    """A field's default; ``MISSING`` where it is needed."""
    return one.default if one.default_factory is dataclasses.MISSING else one.default_factory()


def takes_none(kind: Any) -> bool:
    """Whether None is a value of its own to a field."""
    return type(None) in get_args(kind)


def changed(part: P, **values: Any) -> P:
    """The same part with other values, which count as given."""
    new = dataclasses.replace(part, **values)
    _give(new, part.given | values)
    return new


def options_of(part: Part | None) -> dict[str, Any]:
    """What a part gives of what it is the options of, where it says something."""
    return {name: value for name, value in part.given.items() if value is not None} if part else {}


def entries(part: type[Part]) -> dict[str, Any]:
    """The fields that a suite may give of a part, with their annotations."""
    if part not in _ENTRIES:
        found = {one.name: one.type for one in dataclasses.fields(part)
                 if one.init and one.name not in part.NOT_DECLARED}
        if any(isinstance(kind, str) for kind in found.values()):
            # Of a module with postponed annotations, which take a while to evaluate: those of parts have none.
            hints = get_type_hints(part, include_extras=True)
            found = {name: hints[name] for name in found}
        _ENTRIES[part] = found
    return _ENTRIES[part]


def at(where: str, name: Any) -> str:
    """The dotted path of a field, or of an entry whose name has points in it."""
    if '.' in str(name):
        return f'{where}[{name!r}]'
    return f'{where}.{name}' if where else str(name)


def nearest_first(name: str, known: Mapping[str, Any]) -> list[str]:
    """Known names, those first that are most like a misspelt one."""
    return sorted(known, key=lambda one: -difflib.SequenceMatcher(None, name, one).ratio())


def value_of(kind: Any, value: Any, where: str) -> Any:
    """Checks a value against an annotation, and gives it as what that says.

    Raises:
        Mistake: It is of another kind.
    """
    if value is None and takes_none(kind):
        return None
    kind = _of_something(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        if not any(value == one and type(value) is type(one) for one in inner):
            raise Mistake(f'{where}={value!r} is unknown. Choose one of: {", ".join(map(str, inner))}.')
        return value
    if _parts(kind):
        return _part_of(kind, value, where).read(value, where)
    if origin is dict:
        _check(DICT, value, where)
        return {name: value_of(inner[1], one, at(where, name)) for name, one in value.items()}
    if origin is Annotated:
        _check(inner[1], value, where)
        if get_origin(inner[0]) is dict:
            return value_of(inner[0], value, where)
        return tuple(value) if get_origin(inner[0]) is tuple else value
    if kind in PLAIN:
        _check(PLAIN[kind], value, where)
    return value


def _check(kind: Kind, value: Any, where: str) -> None:
    if not kind.fits(value):
        raise Mistake(f'{where}={value!r}: give {kind.words}.')


def _of_something(kind: Any) -> Any:
    """An annotation without its None."""
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    return functools.reduce(operator.or_, (one for one in get_args(kind) if one is not type(None)))


def _parts(kind: Any) -> tuple[type[Part], ...]:
    """The parts that an annotation names, one of which a field holds; none where it is of another kind."""
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return options if all(isinstance(one, type) and issubclass(one, Part) for one in options) else ()


def _part_of(kind: Any, value: Any, where: str) -> type[Part]:
    """The one of several parts that a value's ``type`` names."""
    parts = _parts(kind)
    if len(parts) == 1:
        return parts[0]
    _check(DICT, value, where)
    named = {get_args(entries(part)[TYPE])[0]: part for part in parts}
    kind = value.get(TYPE)
    if not isinstance(kind, str) or kind not in named:
        wrong = f'={kind!r} is unknown. Choose' if TYPE in value else ' is missing. Give'
        raise Mistake(f'{at(where, TYPE)}{wrong} one of: {", ".join(named)}.')
    return named[kind]


def words(kind: Any) -> str:
    """What an annotation takes, as the end of 'give ...'."""
    bare = _of_something(kind)
    origin, inner = get_origin(bare), get_args(bare)
    if origin is Literal:
        found = f'one of {", ".join(map(str, inner))}' if len(inner) > 1 else str(inner[0])
    elif origin is Annotated:
        found = inner[1].words
    elif bare in PLAIN:
        found = PLAIN[bare].words
    else:
        found = WORDS.get(bare, DICT.words)
    return f'{found}, or None' if takes_none(kind) else found


# -- for the docs -----------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A field as the docs tell of it, each column as Markdown.

    Attributes:
        name: Its dotted path; ``NAME`` stands for a name that the suite chooses.
        takes: What it takes.
        default: What stands where nothing is given, the field's or what its meaning ends with (``Default: ...``); ''
            where there is nothing to show.
        meaning: What it means.
    """

    name: str
    takes: str
    default: str
    meaning: str


def rows(part: type[Part], where: str = '', known: dict[type[Part], str] | None = None) -> Iterator[Row]:
    """All fields of a part and of the parts in it, in their order; those of a part that stands twice where it stands
    highest, of two such places at the first.

    Args:
        part: The part.
        where: Its dotted path.
        known: Where the parts stand of which is told already.
    """
    if known is None:
        known = {one: within for name, kind in reversed(entries(part).items())
                 for _, within, parts in [_within(at(where, name), kind)] for one in parts}
    base = next((one for one in part.__bases__ if one in known), None)
    told, inherited = meanings(part), entries(base) if base else {}
    defaults = {one.name: default(one) for one in dataclasses.fields(part)}
    if base:
        yield Row(f'`{where}.*`', f'as `{known[base]}.*`', '', f'Any field of `{known[base]}`.')
    for name, kind in entries(part).items():
        if name in inherited:
            continue
        path = at(where, name)
        _, within, parts = _within(path, kind)
        usual, meaning = _shown(defaults[name], told[name], name == TYPE)
        if only := defaults.get(TYPE) if name != TYPE else None:
            meaning = f'{meaning.removesuffix(".")} (`type={only!r}`).'
        if parts and known.get(parts[0], within) != within:
            yield Row(f'`{path}`', f'as `{known[parts[0]]}`', '', meaning)
            continue
        yield Row(f'`{path}`', _taken(kind, defaults[name]), usual, meaning)
        for one in parts:
            known[one] = within
            yield from rows(one, within, known)


def _within(path: str, kind: Any) -> tuple[Any, str, tuple[type[Part], ...]]:
    """What a field holds, where that stands, and which parts it may be."""
    bare = _of_something(kind)
    if get_origin(bare) is dict:
        bare, path = get_args(bare)[1], at(path, 'NAME')
    return bare, path, _parts(bare)


def _taken(kind: Any, usual: Any) -> str:
    """What a field takes, as Markdown; None is not told of where it stands for the default anyway."""
    bare = kind if usual is not None and takes_none(kind) else _of_something(kind)
    if get_origin(bare) is Literal:
        return ', '.join(f'`{one!r}`' for one in get_args(bare))
    return words(bare)


def _shown(usual: Any, told: str, needed: bool) -> tuple[str, str]:
    """A default as Markdown, and the meaning without it."""
    meaning, _, said = told.partition(' Default: ')
    if needed or usual is dataclasses.MISSING:
        return 'needed', meaning
    if not said and isinstance(usual, (int, float, str)) and usual != '':
        return f'`{usual!r}`', meaning
    return said.removesuffix('.'), meaning


def meanings(part: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each field under ``Attributes:``, in one line of Markdown."""
    found: dict[str, str] = {}
    for one in reversed(part.__mro__):
        _, _, text = inspect.cleandoc(one.__dict__.get('__doc__') or '').partition('\nAttributes:\n')
        for item in re.split(r'\n(?= {4}\S)', text.partition('\n\n')[0]):
            name, _, meaning = item.strip().partition(': ')
            found[name] = re.sub(r'(?::\w+:)?(`+)([^`]+)\1', r'`\2`', ' '.join(meaning.split()))
    return found
