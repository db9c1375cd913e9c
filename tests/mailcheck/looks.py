"""Every mail in Chromium: axe, light and dark, at three widths, and pictures of all of it."""

from collections.abc import Iterator
from shutil import which

from digest.demo.samples import data
from tests.mailcheck.node import asked
from tests.mailcheck.verdict import Case, Verdict


def axe(case: Case) -> Iterator[Verdict]:
    """Nothing that WCAG 2.2 AA forbids, nothing wider than its window."""
    found = asked("shots.mjs", case.folder, which("chromium"), data() / "images")
    for letter in case.letters:
        faults = tuple(found[letter.name])
        yield Verdict("axe", letter.name, str(len(faults)), faults)
