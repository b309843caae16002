"""The pages of ``docs/`` that are made of code: the commands' options, the fields of ``analysis.json`` and of a suite.

``python -m benchmark.reference`` names the pages that are out of date; with ``--write`` it writes them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.command_line import Parser
from benchmark.experiments.suite.fields import rows
from benchmark.experiments.suite.suite import Suite
from benchmark.statistics import across
from benchmark.statistics.output import SCHEMA
from benchmark.statistics.schemas import read_schema
from benchmark.utils.files import ROOT, write_text

DOCS = ROOT / 'docs'
MADE = 'Made by `python -m benchmark.reference --write`; change what it says in the code.'
#: The commands in the order of a user's day; those that are not named here come last.
ORDER = ('run_all.sh', 'prepare_data.py', 'run_suite.py', 'work.py', 'analyze.py', 'report.py', 'predict.py',
         'to_photographs.py', 'average.py', 'export.py', 'get_source.py', 'convert_source.py', 'judge_source.py',
         'train.py', 'test.py', 'cache.py', 'measure_speed.py', 'mmpose_tool.py', 'validate_statistics.py', 'chaos.py',
         'setup_env.sh', 'run_tests.sh')
#: Commands that are modules of the package.
MODULES = ('benchmark.numerics', 'benchmark.reference')
#: Between these lines of docs/suites.md stand the fields of a suite.
FIELDS, END = '<!-- suite fields -->', '<!-- end -->'


class _Caught(BaseException):
    """A command's parser, at the moment when it would read the command line."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def parser_of(main: Any) -> argparse.ArgumentParser:
    """The parser of a command.

    Args:
        main: Its function, which makes the parser and reads the command line with it before it does anything else.

    Raises:
        ValueError: It ends without reading a command line.
    """
    def catch(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        raise _Caught(parser)

    before, words = argparse.ArgumentParser.parse_known_args, sys.argv
    argparse.ArgumentParser.parse_known_args = catch  # type: ignore[method-assign,assignment]
    sys.argv = words[:1]  # a tool may look at its command line before argparse does
    try:
        main()
    except _Caught as caught:
        return caught.parser
    finally:
        argparse.ArgumentParser.parse_known_args = before  # type: ignore[method-assign]
        sys.argv = words
    raise ValueError(f'{main.__module__}: its main reads no command line with argparse.')


@contextlib.contextmanager
def _loaded(path: Path) -> Iterator[Any]:
    """A tool as a module; the Python path that it changes is put back."""
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location(f'tool_{path.stem}', path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = before


def commands() -> str:
    """``docs/reference/commands.md``."""
    there = {path.name: path for path in (ROOT / 'tools').iterdir() if path.suffix in ('.py', '.sh')}
    names = [*(name for name in ORDER if name in there), *sorted(there.keys() - set(ORDER))]
    parts = []
    for name in names:
        if name.endswith('.sh'):
            parts.append(f'## tools/{name}\n\n{_prose(_comment(there[name]))}')
        else:
            with _loaded(there[name]) as tool:
                parts.append(_command(f'tools/{name}', parser_of(tool.main)))
    for name in MODULES:
        parts.append(_command(f'python -m {name}', parser_of(importlib.import_module(name).main)))
    toc = '\n'.join(f'- [{title}](#{_anchor(title)})' for title in (part.split('\n')[0][3:] for part in parts))
    return f'# Commands\n\n{MADE} `COMMAND --help` says the same.\n\n{toc}\n\n' + '\n\n'.join(parts) + '\n'


def _comment(path: Path) -> str:
    """What a shell script says of itself at its top."""
    lines = path.read_text(encoding='utf-8').splitlines()[1:]
    stop = next(place for place, line in enumerate(lines) if not line.startswith('#'))
    # In its comment an indented line follows its text without a blank one.
    return re.sub(r'\n(?= {2})(?<!\n\n)', '\n\n', '\n'.join(line[2:] for line in lines[:stop]), count=1)


def _command(title: str, parser: argparse.ArgumentParser) -> str:
    parts = [f'## {title}', _prose(parser.description or '')]
    rows = [row for action in parser._actions if (row := _option(parser, action))]
    if rows:
        parts.append('| argument | meaning |\n|---|---|\n' + '\n'.join(f'| {name} | {text} |' for name, text in rows))
    parts += [_formats(action) for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    parts.append(_prose(parser.epilog or ''))
    return '\n\n'.join(part for part in parts if part)


def _formats(action: argparse._SubParsersAction) -> str:
    """Subcommands: what each is, then all their options, each once with the subcommands that take it."""
    formats = action.choices
    lines = ['| subcommand | what it does |', '|---|---|']
    lines += [f'| `{one.dest}` | {_cell(one.help or "")} |' for one in action._choices_actions]
    found: dict[tuple[str, str], list[str]] = {}
    for name, sub in formats.items():
        for action in sub._actions:
            if row := _option(sub, action):
                found.setdefault(row, []).append(name)
    lines += ['', '| argument | meaning | of |', '|---|---|---|']
    lines += [f'| {name} | {text} | {"all" if len(own) == len(formats) else ", ".join(own)} |'
              for (name, text), own in sorted(found.items(), key=lambda item: -len(item[1]))]
    return '\n'.join(lines)


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str] | None:
    """An argument and what it means; None of those that are not shown."""
    if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)) or action.help is argparse.SUPPRESS:
        return None
    name, text = ', '.join(action.option_strings), parser._get_formatter()._expand_help(action) if action.help else ''
    if action.nargs != 0:
        choices = f'{{{",".join(map(str, action.choices))}}}' if action.choices else None
        value = action.metavar or choices or (action.dest.upper() if name else action.dest)
        value = ' '.join(value) if isinstance(value, tuple) else str(value)
        value = {'*': f'[{value} ...]', '+': f'{value} ...', '?': f'[{value}]'}.get(str(action.nargs), value)
        name = f'{name} {value}'.strip()
    if action.default not in (None, False, argparse.SUPPRESS, [], {}) and 'default' not in text.lower():
        text = f'{text} (default: {action.default})'.strip()
    return f'`{name}`'.replace('|', r'\|'), _cell(' '.join(text.split()))


def _cell(text: str) -> str:
    """Text in a table: what Markdown would take for its own is escaped."""
    parts = re.split(r'(`[^`]*`)', text)
    return ''.join(part.replace('|', r'\|') if part.startswith('`') else _plain(part) for part in parts)


def _plain(text: str) -> str:
    return re.sub(r'([|*<>])', r'\\\1', text)


def _prose(text: str) -> str:
    """Help as Markdown: what is indented is shown as it stands."""
    parts = []
    for block in re.split(r'\n\s*\n', text.strip('\n')):
        lines = block.splitlines()
        first = next((place for place, line in enumerate(lines) if line[:1].isspace()), len(lines))
        if lines[:first]:
            parts.append('\n'.join(_cell(line.strip()) for line in lines[:first]))
        if lines[first:]:
            parts.append('```\n' + textwrap.dedent('\n'.join(lines[first:])) + '\n```')
    # Code that a blank line parts is one piece.
    return '\n\n'.join(parts).replace('\n```\n\n```\n', '\n\n')


def _anchor(title: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r'[^\w\- ]', '', title.strip().lower()).replace(' ', '-')


class Row(NamedTuple):
    """A field of ``analysis.json``: where it is, what it holds, what it means."""

    path: str
    kind: str
    text: str


def analysis() -> str:
    """``docs/reference/analysis.md``."""
    return _file(SCHEMA)


def data_sets() -> str:
    """``docs/reference/datasets.md``."""
    return _file(across.SCHEMA)


def _file(path: Path) -> str:
    """The page of a file that has a schema.

    Raises:
        ValueError: A field of the schema has no description.
    """
    schema = read_schema(path)
    shared = schema['$defs']
    version = schema['properties']['schema_version']['const']
    parts = [f'# {schema["title"]}\n\n{MADE} Here it is `description` in `{path.relative_to(ROOT)}`, by which '
             f'`tools/report.py` checks the file. Version {version} of the schema.\n\n{schema["description"]}\n\n'
             '`<...>` stands for a key, `[]` for each element of a list. A field in brackets may be absent.']
    whole = [*_fields(schema, '', shared, deep=False)]
    parts.append('## At the top\n\n' + _table(whole, {name: one for name, one in schema['properties'].items()
                                                      if [*_fields(one, name, shared)]}))
    for name, one in schema['properties'].items():
        if rows := [*_fields(one, name, shared)]:
            parts.append(f'## {name}\n\n{one["description"]}\n\n{_table(rows)}')
    for one in shared.values():
        if rows := [*_fields(one, '', shared)]:
            parts.append(f'## {one["title"]}\n\n{one["description"]}\n\n{_table(rows)}')
    return '\n\n'.join(parts) + '\n'


def _table(rows: Sequence[Row], links: Mapping[str, Any] | None = None) -> str:
    if bare := [row.path for row in rows if not row.text]:
        raise ValueError(f'{bare[0]} has no description. Say what it means in one sentence.')
    lines = ['| field | holds | meaning |', '|---|---|---|']
    for row in rows:
        name = row.path.strip('()')
        shown = f'[`{name}`](#{_anchor(name)})' if links and name in links else f'`{name}`'
        lines.append(f'| {f"({shown})" if row.path.startswith("(") else shown} | {row.kind} | {_cell(row.text)} |')
    return '\n'.join(lines)


def _fields(schema: Mapping[str, Any], path: str, shared: Mapping[str, Any], deep: bool = True) -> Iterator[Row]:
    """The fields below a part of a schema.

    Args:
        schema: The part.
        path: What stands before the fields' names.
        shared: The schema's ``$defs``, whose fields stand in sections of their own.
        deep: Whether fields of fields are given too.
    """
    for option in schema.get('anyOf', ()):
        yield from _fields(option, path, shared, deep)
    if isinstance(items := schema.get('items'), dict):
        yield from _fields(items, f'{path}[]', shared, deep)
    known = [(name, one, name in schema.get('required', ())) for name, one in schema.get('properties', {}).items()]
    known += [(f'{pattern.strip("^$")}<...>', one, True) for pattern, one in
              schema.get('patternProperties', {}).items()]
    for name, one, needed in known:
        own = f'{path}.{name}' if path else name
        yield Row(own if needed else f'({own})', _kind(one, shared), one.get('description', ''))
        if deep:
            yield from _fields(one, own, shared)
    if isinstance(values := schema.get('additionalProperties'), dict) and path:
        own = f'{path}.<{values.get("title", "name")}>'
        if values.keys() & {'properties', 'additionalProperties', 'items', 'anyOf'}:
            yield from _fields(values, own, shared, deep)


def _kind(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """What a field holds, in words."""
    if (name := schema.get('$ref', '').rpartition('/')[2]) and [*_fields(shared[name], '', shared)]:
        title = shared[name]['title']
        return f'[{title[0].lower()}{title[1:]}](#{_anchor(title)})'
    if name:
        return _kind(shared[name], shared)
    if 'anyOf' in schema:
        return ' or '.join(dict.fromkeys(_kind(one, shared) for one in schema['anyOf']))
    if 'const' in schema:
        return f'{schema["const"]}'
    if 'enum' in schema:
        return ', '.join('null' if one is None else f'`{one}`' for one in schema['enum'])
    kinds = schema.get('type', '')
    return ' or '.join(_one_kind(kind, schema, shared) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _one_kind(kind: str, schema: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    if kind == 'array' and isinstance(schema.get('items'), dict):
        return f'list: {_kind(schema["items"], shared)}'
    if kind == 'object' and isinstance(values := schema.get('additionalProperties'), dict):
        return f'by {values.get("title", "name")}: {_kind(values, shared)}'
    return {'integer': 'whole number', 'string': 'text', 'boolean': 'true or false', 'array': 'list'}.get(kind, kind)


def suite_fields() -> str:
    """Every field that a suite may have, as a Markdown table: its dotted name, what it takes, its default, its meaning.

    ``NAME`` stands for a name that the suite chooses; None stands for the default everywhere.
    """
    table = [('field', 'takes', 'default', 'meaning'), ('---',) * 4, *rows(Suite)]
    return ''.join(f'| {" | ".join(row)} |\n' for row in table)


def suites() -> str:
    """``docs/suites.md`` with its table of fields made anew."""
    head, _, rest = (DOCS / 'suites.md').read_text(encoding='utf-8').partition(FIELDS)
    return f'{head}{FIELDS}\n{suite_fields().strip()}\n{END}{rest.partition(END)[2]}'


PAGES = {DOCS / 'reference/commands.md': commands, DOCS / 'reference/analysis.md': analysis,
         DOCS / 'reference/datasets.md': data_sets, DOCS / 'suites.md': suites}


def outdated() -> dict[Path, str]:
    """Pages that are not as they would be made now, with what they would be."""
    found = {path: make() for path, make in PAGES.items()}
    return {path: text for path, text in found.items()
            if not path.exists() or path.read_text(encoding='utf-8') != text}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives 1 where pages are out of date and are not to be written."""
    parser = Parser(prog='python -m benchmark.reference', description='Name the pages of docs/ that '
                    'are made of code and out of date.')
    parser.add_argument('--write', action='store_true', help='write them')
    args = parser.parse_args(argv)
    for path, text in (found := outdated()).items():
        if args.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        print(f'{path.relative_to(ROOT)}: {"written" if args.write else "out of date"}')
    return 1 if found and not args.write else 0


if __name__ == '__main__':
    sys.exit(main())
