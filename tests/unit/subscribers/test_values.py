"""Small values: choices that unite, networks that forget, anchors that are read back."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import anchors, chain
from subscribers.chain import Anchor
from subscribers.choices import MAX_OWN_TOPICS, Choices, OwnTopic
from subscribers.errors import AnchorError
from subscribers.joining import weekday_of
from subscribers.models import Cadence
from subscribers.networks import coarse

own = st.builds(
    OwnTopic, query=st.text(max_size=5), typed=st.text(max_size=5), article=st.none() | st.integers(1, 9)
)
choices = st.builds(
    Choices,
    topics=st.lists(st.sampled_from("abcdef"), max_size=6).map(tuple),
    own=st.lists(own, max_size=6).map(tuple),
    cadence=st.sampled_from(Cadence),
    weekday=st.none() | st.integers(0, 6),
)


@given(choices)
def test_choices_survive_the_row_of_a_request(one: Choices) -> None:
    assert Choices.from_json(json.loads(json.dumps(one.as_json()))) == one


@given(choices, choices)
def test_united_choices_hold_all_topics_once_and_the_newest_settings(new: Choices, former: Choices) -> None:
    both = new.united(former)
    assert set(both.topics) == {*new.topics, *former.topics}
    assert len(set(both.topics)) == len(both.topics)
    assert len(both.own) <= MAX_OWN_TOPICS
    assert len({one.query for one in both.own}) == len(both.own)
    assert (both.cadence, both.weekday) == (new.cadence, new.weekday)


@given(st.sampled_from(Cadence), st.none() | st.integers(0, 6))
def test_a_weekly_reader_has_a_weekday_and_nobody_else(cadence: Cadence, weekday: int | None) -> None:
    found = weekday_of(cadence, weekday)
    assert (found is not None) is (cadence is Cadence.WEEKLY)


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("::1", "::/48"),
        ("", ""),
        ("unknown", ""),
        ("192.0.2.77:443", ""),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_only_the_network_of_a_client_is_kept(ip: str, network: str) -> None:
    assert coarse(ip) == network


@given(st.ip_addresses())
def test_no_network_tells_two_neighbours_apart(ip: object) -> None:
    assert str(ip) not in coarse(str(ip)).removesuffix("/24").removesuffix("/48") or str(ip).endswith(
        (".0", "::")
    )


def test_anchors_are_read_back_and_a_damaged_line_is_named() -> None:
    one = Anchor(17, "ab" * 32)
    text = anchors.line(one, on=date(2026, 11, 22))
    assert text == "2026-11-22 17 " + "ab" * 32
    assert anchors.read([text + "\n", "\n"]) == [one]
    for bad in ("nonsense", text[:-1], text + "0", text.upper()):
        with pytest.raises(AnchorError, match="line 2"):
            anchors.read([text, bad])


def test_one_moment_and_one_object_have_one_spelling() -> None:
    berlin = timezone(timedelta(hours=1))
    assert chain.utc(datetime(2026, 11, 22, 7, tzinfo=berlin)) == "2026-11-22T06:00:00.000000+00:00"
    assert chain.utc(datetime(2026, 11, 22, 6, tzinfo=UTC)) == "2026-11-22T06:00:00.000000+00:00"
    assert chain.canonical({"b": 1, "a": ["ü", None]}) == '{"a":["ü",null],"b":1}'.encode()
    assert tuple(sorted(chain.CHAINED)) == chain.CHAINED


def test_the_hash_of_an_event_is_the_documented_one() -> None:
    """Written out by hand, so that a stored chain stays verifiable for ever."""
    import hashlib
    from uuid import UUID

    row = {
        "seq": 1, "at": datetime(2026, 11, 22, 6, tzinfo=UTC), "kind": "confirmed", "subject": UUID(int=1), "source": "f",
        "wording_id": None, "wording_sha256": "", "locale": "de", "topics": ["ki"], "cadence": "daily",
        "requested_at": None, "person_hash": "", "network_hash": "",
    }  # fmt: skip
    text = (
        '{"at":"2026-11-22T06:00:00.000000+00:00","cadence":"daily","kind":"confirmed","locale":"de","network_hash":"",'
        '"person_hash":"","requested_at":null,"seq":1,"source":"f",'
        '"subject":"00000000-0000-0000-0000-000000000001","topics":["ki"],"wording_id":null,"wording_sha256":""}'
    )
    assert chain.event_hash(chain.GENESIS, row) == hashlib.sha256(bytes(32) + text.encode()).hexdigest()
