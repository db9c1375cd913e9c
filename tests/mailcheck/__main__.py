"""`python -m tests.mailcheck [NAME]`: all mails, or those whose name starts with NAME, before every judge; exit 1 on any fault."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.mailcheck import filters, letters, looks, markup, nameserver, programs, verifiers, zone
from tests.mailcheck.verdict import Case, Judge, Verdict, table

FOLDER: Final = Path("build") / "mailcheck"
JUDGES: Final[Sequence[Judge]] = (
    filters.rspamd, filters.spamassassin, verifiers.mailauth, verifiers.opendkim, verifiers.mailparser,
    markup.vnu, markup.html_validate, markup.caniemail, looks.axe,
)  # fmt: skip


def main(only: str = "") -> int:
    """Print the table and every fault; how the process ends."""
    if lacking := programs.missing():
        _say("The mails cannot be checked here:", *(f"- {sentence}" for sentence in lacking))
        return 1
    verdicts = _judged(only)
    _say(table(verdicts), "", ", ".join(f"{name} {version}" for name, version in programs.versions()), "")
    faults = [
        f"{verdict.letter}, {verdict.judge}: {fault}" for verdict in verdicts for fault in verdict.faults
    ]
    _say(*dict.fromkeys(faults), f"{len(faults)} faults" if faults else "Everything passes.")
    return 1 if faults or not verdicts else 0


def _judged(only: str) -> list[Verdict]:
    mails = letters.write(FOLDER, now=datetime.now(UTC), only=only)
    with nameserver.serving(zone.zone(), folder=FOLDER) as port:
        case = Case(mails, FOLDER, port)
        return [verdict for judge in JUDGES for verdict in _one(judge, case)]


def _one(judge: Judge, case: Case) -> list[Verdict]:
    name = getattr(judge, "__name__", "judge")
    sys.stderr.write(f"{name} …\n")
    return list(judge(case))


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
