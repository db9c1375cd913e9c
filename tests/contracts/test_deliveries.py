"""What is promised about the words and the writers of a delivery's state."""

import re
from pathlib import Path

from digest.delivery.models import DeliveryState, Reason
from digest.delivery.reasons import MEANING

ROOT = Path(__file__).parents[2]
WRITERS = {"marks", "settlement", "outbox", "edition_control"}
"""START and SETTLE · decided ends · withdraw, skip and merge · retry by hand."""
WRITES = re.compile(
    r"UPDATE delivery\b.*SET state|update\(Delivery\)(?:(?!update\(|select\().)*?(?:values|state=)|\.state = DeliveryState",
    re.DOTALL,
)


def test_no_other_code_writes_a_deliverys_state() -> None:
    found = {
        path.stem
        for package in ("digest", "subscribers")
        for path in (ROOT / package).rglob("*.py")
        if WRITES.search(path.read_text(encoding="utf-8"))
    }
    assert found == WRITERS


def test_the_glossary_names_every_state_and_reason_with_its_meaning() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", page, re.MULTILINE))
    assert {reason.value: rows.get(reason.value) for reason in Reason} == {
        reason.value: meaning for reason, meaning in MEANING.items()
    }
    assert {state.value for state in DeliveryState} <= set(rows)
