"""The words for what becomes of a delivery are told to readers of the documentation."""

import re
from pathlib import Path

from digest.delivery.models import DeliveryState, Reason
from digest.delivery.reasons import MEANING

ROOT = Path(__file__).parents[2]


def test_the_glossary_names_every_state_and_reason_with_its_meaning() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", page, re.MULTILINE))
    assert {reason.value: rows.get(reason.value) for reason in Reason} == {
        reason.value: meaning for reason, meaning in MEANING.items()
    }
    assert {state.value for state in DeliveryState} <= set(rows)
