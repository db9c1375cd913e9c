"""What commands print: tables for people, one JSON document for scripts, one sentence for errors."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

DONE, FAILED, USAGE, PARTLY = 0, 1, 2, 3

console = Console()
errors = Console(stderr=True)


def as_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(value))


def json_text(value: Any) -> str:
    """One JSON document, readable, with a line end."""
    return json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n"


def plain(value: Any) -> Any:
    """The value as JSON knows it: dataclasses and named tuples as objects, moments as ISO 8601, spans in seconds."""
    result = value
    if is_dataclass(value) and not isinstance(value, type):
        result = plain(asdict(value))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        result = {name: plain(one) for name, one in zip(value._fields, value, strict=True)}
    elif isinstance(value, dict):
        result = {str(key): plain(one) for key, one in value.items()}
    elif isinstance(value, list | tuple | set | frozenset):
        result = [plain(one) for one in value]
    elif type(value) in _AS_TEXT or isinstance(value, Enum | Path):
        convert: Callable[[Any], Any] = _AS_TEXT.get(type(value), _text)
        result = convert(value)
    return result


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))


_AS_TEXT: dict[type, Callable[[Any], Any]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    timedelta: timedelta.total_seconds,
    UUID: str,
}


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings; with none, a sentence that says what to do next."""
    body = [[Text(shown(cell)) for cell in row] for row in rows]
    if not body:
        say(empty)
        return
    grid = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in body:
        grid.add_row(*row)
    console.print(grid)


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values below each other."""
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, Text(shown(value)))
    console.print(grid)


def shown(value: object) -> str:
    """A value for people: local minutes, no dashes for what is not there."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone():%Y-%m-%d %H:%M}"
        case float():
            return f"{value:.3g}"
        case list() | tuple():
            return ", ".join(shown(one) for one in value)
    return str(value)


def say(text: str) -> None:
    """Print a line for people; what came from outside is never read as markup."""
    console.print(Text(text), soft_wrap=True)


def fail(sentence: str, *, code: int = FAILED) -> NoReturn:
    """End with one clear sentence on stderr."""
    errors.print(Text(sentence), style="red", soft_wrap=True)
    raise typer.Exit(code)


def agreed(question: str, *, yes: bool) -> bool:
    """Ask before something that cannot be undone; without a terminal only `--yes` agrees."""
    if yes:
        return True
    if not sys.stdin.isatty():
        fail(f"{question} Say --yes to agree.")
    return typer.confirm(question)
