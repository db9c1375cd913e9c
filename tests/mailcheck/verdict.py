"""What a judge says of a mail, and the table of all of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.mailcheck.letters import Letter


class Verdict(NamedTuple):
    """One judge on one mail: a score or a word for the table, and whatever it does not accept."""

    judge: str
    letter: str
    score: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What a judge is given: the mails, the folder for its own files, the port of the name server."""

    letters: Sequence[Letter]
    folder: Path
    nameserver: int


Judge = Callable[[Case], Iterator[Verdict]]


def table(verdicts: Iterable[Verdict]) -> str:
    """One row a mail, one column a judge, as Markdown."""
    rows: dict[str, dict[str, str]] = {}
    for verdict in verdicts:
        mark = f"{verdict.score} ✗" if verdict.faults else verdict.score
        rows.setdefault(verdict.letter, {})[verdict.judge] = mark
    judges = list(dict.fromkeys(judge for row in rows.values() for judge in row))
    lines = [("mail", *judges), ("---", *("---" for _ in judges))]
    lines += [(name, *(row.get(judge, "–") for judge in judges)) for name, row in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
