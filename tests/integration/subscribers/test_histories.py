"""Random lives of Ann and Ben: whatever is pressed in whatever order, the promises hold after every step."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from digest.db import Database
from subscribers import (
    admission,
    confirmation,
    manage,
    moving,
    pause,
    preferences,
    privacy,
    register,
    retention,
    signup,
    suppression,
    tables,
    unsubscribe,
)
from subscribers.addresses import canonical
from subscribers.admission import Newcomer
from subscribers.choices import Choices, OwnTopic
from subscribers.errors import RefusedError
from subscribers.models import ConsentKind, Subscriber, SubscriberState, SuppressionReason
from subscribers.owed import OwedMail
from subscribers.preferences import Changes
from subscribers.signup import Origin
from subscribers.types import metadata
from subscribers.verification import verify
from tests.integration.subscribers.support import HASHER, wish
from tests.support.factories import make_topic

NAMES = st.sampled_from(["ann", "ben"])
SLUGS = st.sets(st.sampled_from(["ki", "ukraine", "sport"]))
ENDED = {ConsentKind.UNSUBSCRIBED, ConsentKind.MERGED, ConsentKind.ERASED}


class Lives(RuleBasedStateMachine):
    """People, their requests, and a clock that only moves forward."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lives-"))
        self.db = Database(f"sqlite:///{shutil.copy(self.template, self.folder / 'lives.db')}")
        self.now = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
        self.release_no = 0
        self.requests: list[UUID] = []
        self.sent: list[tuple[datetime, str]] = []
        self.erased: set[str] = set()
        self.complained: set[str] = set()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self.release_no += 1
        with self.db.write() as session:
            yield session

    @initialize()
    def topics(self) -> None:
        with self.writing() as session:
            for slug in ("ki", "ukraine", "sport"):
                make_topic(session, slug, now=self.now)

    def person(self, session: Session, name: str) -> Subscriber | None:
        return register.find(session, canonical(f"{name}@example.org"))

    def keep(self, owed: OwedMail | None) -> None:
        if owed and "request" in owed.data and owed.kind != "already":
            self.requests.append(UUID(owed.data["request"]))

    @rule(hours=st.sampled_from([1, 24, 24, 24 * 8, 24 * 31, 24 * 400]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(name=NAMES, slugs=SLUGS, own=st.booleans())
    def sign_up(self, name: str, slugs: set[str], own: bool) -> None:
        queries = (OwnTopic(query=f"OF {name}"),) if own else ()
        with self.writing() as session:
            asked = wish(name, *sorted(slugs), own=queries)
            [owed] = signup.sign_up(session, [asked], now=self.now, hasher=HASHER)
        self.erased.discard(name)
        self.keep(owed)
        if owed:
            assert name not in self.complained
            self.sent.append((self.now, name))

    @rule(name=NAMES)
    def join(self, name: str) -> None:
        """The usual way, in one go."""
        self.sign_up(name, {"ki"}, own=True)
        if self.requests:
            with self.writing() as session:
                seen = {"now": self.now, "release_no": self.release_no, "hasher": HASHER}
                confirmation.confirm(session, self.requests[-1], **seen)

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        if not self.requests:
            return
        request = data.draw(st.sampled_from(self.requests))
        with self.writing() as session:
            seen = {"now": self.now, "release_no": self.release_no, "hasher": HASHER}
            confirmation.confirm(session, request, **seen, network="192.0.2.0/24")
            assert confirmation.confirm(session, request, **seen).owed == ()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.requests:
            with self.writing() as session:
                request = data.draw(st.sampled_from(self.requests))
                confirmation.cancel(session, request, now=self.now, hasher=HASHER)

    @rule(name=NAMES, what=st.sampled_from(["leave", "undo", "pause", "resume", "again", "links"]))
    def press(self, name: str, what: str) -> None:
        with self.writing() as session:
            one = self.person(session, name)
            if one is None:
                return
            own, now = one.public_id, self.now
            if what == "leave":
                unsubscribe.unsubscribe(session, own, now=now, source=unsubscribe.Source.PAGE)
            elif what == "undo":
                undone = unsubscribe.undo(session, own, now=now, hasher=HASHER)
                self.keep(undone.owed)
                if undone.outcome is unsubscribe.UndoOutcome.ASKED and undone.owed:
                    self.sent.append((now, name))
            elif what == "pause":
                pause.pause(session, own, until=date(2027, 1, 1))
            elif what == "resume":
                pause.resume(session, own)
            elif what == "again":
                manage.resubscribe(session, own, now=now, release_no=self.release_no, hasher=HASHER)
            else:
                manage.invalidate_links(session, own)

    @rule(name=NAMES, shown=SLUGS, chosen=SLUGS)
    def save(self, name: str, shown: set[str], chosen: set[str]) -> None:
        with self.writing() as session:
            one = self.person(session, name)
            if one is None:
                return
            changes = Changes(shown=frozenset(shown), chosen=frozenset(chosen))
            try:
                preferences.save(session, one.public_id, changes, now=self.now, release_no=self.release_no)
            except RefusedError:
                assert one.state is SubscriberState.UNSUBSCRIBED

    @rule(name=NAMES, to=NAMES)
    def move(self, name: str, to: str) -> None:
        with self.writing() as session:
            one = self.person(session, name)
            if one is not None:
                address = canonical(f"{to}@example.org")
                asked = {"now": self.now, "hasher": HASHER, "origin": Origin(source="page")}
                owed = moving.request_change(session, one.public_id, address, **asked)
                self.keep(owed)
                if owed:
                    self.erased.discard(to)

    @rule(name=NAMES)
    def erase(self, name: str) -> None:
        values: dict[str, Any] = {
            "now": self.now,
            "hasher": HASHER,
            "source": "cli",
            "withdraw": lambda *_: None,
        }
        with self.writing() as session:
            privacy.erase_address(session, canonical(f"{name}@example.org"), **values)
        self.erased.add(name)

    @rule(name=NAMES)
    def let_in(self, name: str) -> None:
        with self.writing() as session:
            one = Newcomer(address=canonical(f"{name}@example.org"), choices=Choices(topics=("ki",)))
            values = {"note": "Messe", "now": self.now, "release_no": self.release_no, "hasher": HASHER}
            [result] = admission.add(session, [one], **values)
        if result is admission.Admission.ADDED:
            assert name not in self.erased | self.complained

    @rule(name=NAMES)
    def complain(self, name: str) -> None:
        with self.writing() as session:
            key = f"{name}@example.org"
            suppression.suppress(session, [key], SuppressionReason.COMPLAINT, now=self.now, hasher=HASHER)
        self.complained.add(name)

    @rule()
    def sweep(self) -> None:
        with self.writing() as session:
            retention.sweep(session, now=self.now, hasher=HASHER, withdraw=lambda *_: None)

    @invariant()
    def the_chain_is_whole(self) -> None:
        with self.db.read() as session:
            assert verify(session).ok

    @invariant()
    def state_and_proof_agree(self) -> None:
        with self.db.read() as session:
            for one in session.scalars(select(Subscriber)):
                c = tables.CONSENT.c
                last = select(c.kind).where(c.subject == one.public_id).order_by(c.seq.desc()).limit(1)
                kind = session.execute(last).scalar_one()
                if one.state is SubscriberState.UNSUBSCRIBED:
                    assert kind in ENDED
                else:
                    assert kind not in {ConsentKind.UNSUBSCRIBED, ConsentKind.ERASED}

    @invariant()
    def the_form_is_no_weapon(self) -> None:
        for at, name in self.sent:
            same = [other for other, whose in self.sent if whose == name]
            assert len([one for one in same if at <= one < at + timedelta(hours=24)]) == 1
            assert len([one for one in same if at <= one < at + timedelta(days=30)]) <= 3

    @invariant()
    def an_erased_address_is_nowhere(self) -> None:
        with self.db.read() as session:
            tables_now = [session.execute(select(table)).all() for table in metadata.sorted_tables]
        text = repr(tables_now).lower()
        for name in self.erased:
            assert f"{name}@example.org" not in text

    @invariant()
    def an_own_topic_has_its_owner(self) -> None:
        t, s = tables.TOPIC.c, tables.SUBSCRIPTION.c
        orphans = select(t.slug).where(
            t.owner_id.is_not(None),
            ~select(s.topic_id).where(s.topic_id == t.id, s.subscriber_id == t.owner_id).exists(),
        )
        with self.db.read() as session:
            assert not session.execute(orphans).all()

    def teardown(self) -> None:
        self.db.close()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(8, 20), pytest.param(300, 60, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)
def test_every_promise_holds_after_every_step(sqlite_template: Path, examples: int, steps: int) -> None:
    machine = type("LivesHere", (Lives,), {"template": sqlite_template})
    calm = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=calm)
