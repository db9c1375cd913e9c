"""One's own data: handed out whole, erased for good, and kept no longer than promised."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from digest.db import Database
from subscribers import (
    admission,
    hashing,
    manage,
    moving,
    mutes,
    pause,
    privacy,
    register,
    retention,
    signup,
    suppression,
    tables,
)
from subscribers.addresses import canonical
from subscribers.admission import Admission, Newcomer
from subscribers.choices import Choices, OwnTopic
from subscribers.errors import AddressKeyChangedError
from subscribers.hashing import AddressHasher
from subscribers.models import MuteKind, SubscriberState, SuppressionReason
from subscribers.mutes import MuteWish
from subscribers.retention import Periods, Swept
from subscribers.signup import Origin
from subscribers.types import metadata
from subscribers.unsubscribe import Source, UndoOutcome, undo, unsubscribe
from subscribers.verification import verify
from tests.integration.subscribers.support import (
    ANN,
    HASHER,
    dump,
    followed,
    joined,
    kinds,
    person,
    rows,
    sign_up,
    topics,
    wish,
)

DAY = timedelta(days=1)


def nothing_to_withdraw(subscriber_id: int | None, address: str) -> None:
    """There are no deliveries in these tests."""


def erase(db: Database, public_id: UUID, *, now: datetime) -> privacy.Erased | None:
    with db.write() as session:
        return privacy.erase(
            session, public_id, now=now, hasher=HASHER, source="page", withdraw=nothing_to_withdraw
        )


def everything(db: Database) -> str:
    """All columns of all tables, as one text."""
    with db.read() as session:
        found = {table.name: session.execute(select(table)).all() for table in metadata.sorted_tables}
    return repr(found).lower()


def sweep(db: Database, *, now: datetime, **values: Any) -> Swept:
    with db.write() as session:
        return retention.sweep(session, now=now, hasher=HASHER, withdraw=nothing_to_withdraw, **values)


@pytest.fixture
def ann(db: Database, now: datetime) -> UUID:
    """Ann, who left traces in every table."""
    topics(db, "ki", now=now)
    public_id = joined(
        db, wish("Ann@example.org", "ki", own=(OwnTopic(query="SECRET", typed="secret"),)), now=now
    )
    with db.write() as session:
        mutes.mute(session, public_id, MuteWish(kind=MuteKind.WORD, value="PRIVATE"), now=now)
        pause.pause(session, public_id, until=date(2026, 12, 1))
        manage.request_own_link(session, public_id, now=now, hasher=HASHER)
        moving.request_change(
            session, public_id, canonical("ann2@example.org"), now=now, hasher=HASHER, origin=Origin()
        )
    sign_up(db, wish("ann"), now=now + 2 * DAY)
    return public_id


def test_an_erased_address_is_in_no_column_of_any_table(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    assert all(word in everything(db) for word in ("ann@", "ann2@", "secret", "private"))
    row = person(db, ann).id
    assert erase(db, ann, now=now) == privacy.Erased(row, ann)
    assert not any(word in everything(db) for word in ("ann", "secret", "private", "192.0.2", "198.51.100"))
    assert kinds(db) == ["confirmed", "unsubscribed", "erased"]
    with db.read() as session:
        found = verify(session)
        assert (found.ok, found.erased) == (True, 1)
    assert erase(db, ann, now=now) is None
    assert len(kinds(db)) == 3


def test_deliveries_are_let_go_while_the_person_is_still_there(
    db: Database, now: datetime, ann: UUID
) -> None:
    seen: list[tuple[int | None, str, int]] = []
    with db.write() as session:

        def withdraw(subscriber_id: int | None, address: str) -> None:
            there = session.execute(select(tables.SUBSCRIBER.c.id)).all()
            seen.append((subscriber_id, address, len(there)))

        values = {"now": now, "hasher": HASHER, "source": "cli", "withdraw": withdraw}
        privacy.erase_address(session, ANN, **values)
        privacy.erase_address(session, ANN, **values)
    assert seen == [(1, "Ann@example.org", 1), (None, "ann@example.org", 0)]


def test_an_erased_address_is_revived_by_its_own_confirmation_and_by_no_import(
    db: Database, now: datetime, ann: UUID
) -> None:
    erase(db, ann, now=now)
    with db.write() as session:
        one = Newcomer(address=ANN, choices=Choices(topics=("ki",)))
        result = admission.add(session, [one], note="list of 2019", now=now, release_no=1, hasher=HASHER)
    assert result == [Admission.SUPPRESSED]
    assert not rows(db, tables.SUBSCRIBER)
    later = now + 31 * DAY
    again = joined(db, wish("ann", "ki"), now=later)
    assert again != ann
    assert not rows(db, tables.SUPPRESSION)


def test_an_erasure_never_weakens_a_complaint(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        suppression.suppress(session, [ANN.key], SuppressionReason.COMPLAINT, now=now, hasher=HASHER)
    erase(db, ann, now=now)
    assert [row["reason"] for row in rows(db, tables.SUPPRESSION)] == [SuppressionReason.COMPLAINT]


def test_somebody_who_never_confirmed_can_be_erased_too(db: Database, now: datetime) -> None:
    sign_up(db, wish("ann"), now=now)
    with db.write() as session:
        erased = privacy.erase_address(
            session, ANN, now=now, hasher=HASHER, source="cli", withdraw=nothing_to_withdraw
        )
    assert erased == privacy.Erased(None, None)
    assert "ann" not in everything(db)


def test_an_export_holds_all_there_is(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        suppression.suppress(
            session, [ANN.key], SuppressionReason.MANUAL, now=now, hasher=HASHER, note="Anruf"
        )
    with db.read() as session:
        data = privacy.export(session, ann, hasher=HASHER)
        assert privacy.export(session, uuid4(), hasher=HASHER) is None
    assert data is not None
    assert (data["profile"]["address"], data["profile"]["state"]) == ("Ann@example.org", "paused")
    assert [one["query"] for one in data["topics"]] == ["ki".upper(), "SECRET"]
    assert [one["value"] for one in data["mutes"]] == ["PRIVATE"]
    assert {one["kind"] for one in data["requests"]} == {"sign_up", "address_change"}
    assert [one["kind"] for one in data["consent"]] == ["confirmed"]
    assert data["suppression"] == {"reason": "manual", "since": now.isoformat(), "note": "Anruf"}
    import json

    assert json.loads(json.dumps(data)) == data


def test_the_operator_finds_shows_and_lists_people(db: Database, now: datetime, ann: UUID) -> None:
    ben = joined(db, wish("ben"), now=now)
    with db.write() as session:
        unsubscribe(session, ben, now=now, source=Source.CLI)
        suppression.suppress(session, [ANN.key], SuppressionReason.MANUAL, now=now, hasher=HASHER)
    with db.read() as session:
        found = register.find(session, ANN)
        assert found is not None
        shown = register.show(session, found, hasher=HASHER)
        assert [one["email"] for one in register.page(session)] == ["Ann@example.org", "ben@example.org"]
        assert [one["email"] for one in register.page(session, after=1, limit=1)] == ["ben@example.org"]
        left = register.page(session, state=SubscriberState.UNSUBSCRIBED)
        assert [one["email"] for one in left] == ["ben@example.org"]
    assert (shown["email"], shown["state"], shown["paused_until"]) == (
        "Ann@example.org",
        "suppressed",
        "2026-12-01",
    )
    assert shown["topics"][0] == "ki"
    assert [one["kind"] for one in shown["consent"]] == ["confirmed"]


def test_every_period_ends_on_its_day_and_not_before(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    ann = joined(
        db, wish("ann", "ki", own=(OwnTopic(query="OWN"),), local_time="20:00", locale="en"), now=now
    )
    sign_up(db, wish("ben"), now=now)
    with db.write() as session:
        mutes.mute(session, ann, MuteWish(kind=MuteKind.WORD, value="W"), now=now)
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    request = next(row["public_id"] for row in rows(db, tables.REQUEST) if row["address"].startswith("ben"))
    second = timedelta(seconds=1)
    assert sweep(db, now=now + 7 * DAY - second) == Swept()
    assert sweep(db, now=now + 7 * DAY) == Swept(requests=2, unconfirmed=(request,))
    assert sweep(db, now=now + 30 * DAY - second) == Swept()
    assert followed(db, ann)
    assert sweep(db, now=now + 30 * DAY + second) == Swept(allowances=2, networks=1, choices=1)
    assert not followed(db, ann)
    assert not rows(db, tables.MUTE)
    assert [row["kind"] for row in rows(db, tables.TOPIC)] == ["curated"]
    after = person(db, ann)
    assert (after.local_time, after.locale, after.address) == ("07:00", "en", "ann@example.org")
    new_year = datetime(2030, 1, 1, tzinfo=UTC)
    assert sweep(db, now=new_year - second) == Swept()
    assert sweep(db, now=new_year) == Swept(people=1)
    assert "ann" not in everything(db)
    assert [row["reason"] for row in rows(db, tables.SUPPRESSION)] == [SuppressionReason.UNSUBSCRIBED]
    assert sweep(db, now=new_year) == Swept()
    with db.read() as session:
        assert verify(session).ok


def test_a_sweep_takes_so_many_rows_at_a_time_and_ends(db: Database, now: datetime) -> None:
    with db.write() as session:
        signup.sign_up(session, [wish(f"r{n}") for n in range(25)], now=now, hasher=HASHER)
    later, totals = now + 40 * DAY, []
    while not totals or totals[-1]:
        totals.append(sweep(db, now=later, limit=10).total)
    assert totals == [20, 20, 10, 0]


def test_periods_can_be_set(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    short = Periods(requests=DAY, allowances=DAY, networks=DAY, choices=DAY, leavers_years=0)
    swept = sweep(db, now=now + 2.5 * DAY, periods=short)
    assert (swept.requests, swept.networks, swept.choices, swept.people) == (1, 1, 1, 0)


def test_nobody_comes_back_by_undo_once_their_choices_are_forgotten(
    db: Database, now: datetime, ann: UUID
) -> None:
    with db.write() as session:
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    sweep(db, now=now + 30 * DAY)
    with db.write() as session:
        result = undo(session, ann, now=now + 30 * DAY, hasher=HASHER)
    assert result.outcome is UndoOutcome.TOO_LATE


def test_a_closed_allowance_outlives_its_last_mail(db: Database, now: datetime) -> None:
    from subscribers import allowance

    with db.write() as session:
        allowance.close(session, allowance.AllowanceKind.SIGN_UP, HASHER.hash(ANN.key), now=now)
    short = Periods(allowances=DAY)
    assert sweep(db, now=now + 30 * DAY - timedelta(seconds=1), periods=short).allowances == 0
    assert sweep(db, now=now + 30 * DAY, periods=short).allowances == 1


def test_another_address_key_is_noticed_before_it_forgets_anybody(db: Database, now: datetime) -> None:
    with db.write() as session:
        hashing.check_key(session, HASHER)
        hashing.check_key(session, HASHER)
    before = dump(db)
    with pytest.raises(AddressKeyChangedError), db.write() as session:
        hashing.check_key(session, AddressHasher(b"z" * 32))
    assert dump(db) == before
    assert AddressHasher.derived(b"s" * 32) != AddressHasher(b"s" * 32)
    assert "kkk" not in repr(HASHER)
