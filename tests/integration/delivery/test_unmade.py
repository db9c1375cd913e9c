"""A mail that cannot be made costs its own content, says why, and stops an edition that would do nothing else."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

import pytest
from sqlmodel import select
from typing_extensions import override

from digest.db import Database
from digest.delivery import edition_control
from digest.delivery.history import faults
from digest.delivery.models import DeliveryState, Reason
from digest.delivery.queue import Due
from digest.delivery.unmade import unmade
from digest.editions.models import Content, Edition, EditionState
from digest.mail.errors import AddressError, SlotError
from digest.mail.outcome import Outgoing
from digest.rendering import RenderError, UnfitError
from tests.support.sending import PlainComposer, deliveries, make_edition, send_all, states
from tests.support.smtp import serve

SENTENCE = "the HTML part lacks the imprint"


class Picky(PlainComposer):
    """Makes no mail of some contents."""

    def __init__(self, unfit: Collection[int]) -> None:
        super().__init__()
        self.unfit = unfit

    @override
    def compose(self, row: Due, *, dated_at: datetime) -> Outgoing:
        if row.content_id in self.unfit:
            raise UnfitError(SENTENCE)
        return super().compose(row, dated_at=dated_at)


def contents(db: Database) -> list[int]:
    with db.read() as session:
        return sorted(session.exec(select(Content.id)))


def the_edition(db: Database) -> Edition:
    with db.read() as session:
        return session.exec(select(Edition)).one()


async def test_an_edition_whose_first_content_cannot_be_made_is_held_and_says_why(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        edition = make_edition(session, 60, now=now, contents=2)
    async with serve() as server:
        first = Picky(contents(db)[:1])
        await send_all(db, server.port, now=now, composer=first, connections=2)
        stopped = the_edition(db)
        assert (stopped.state, stopped.hold_reason) == (
            EditionState.HELD,
            f"its first mail cannot be made: {SENTENCE}",
        )
        failed = [one for one in deliveries(db) if one.state is DeliveryState.FAILED]
        assert {(one.reason, one.reply) for one in failed} == {(Reason.ERROR, SENTENCE)}
        assert 0 < len(failed) < 30
        with db.write() as session:
            assert faults(session, edition) == {SENTENCE: len(failed)}
            edition_control.release(session, edition, now=now)
        await send_all(db, server.port, now=now)  # the template was mended meanwhile
    assert states(db) == {"failed": len(failed), "sent": 60 - len(failed)}


async def test_later_contents_fail_alone_until_there_are_three(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_edition(session, 40, now=now, contents=40)
        make_edition(session, 40, now=now, contents=40, local_time="08:00")
    known = contents(db)
    unfit = {*known[1:3], *known[45:48]}
    async with serve() as server:
        await send_all(db, server.port, now=now, composer=Picky(unfit), connections=2)
    with db.read() as session:
        few, many = session.exec(select(Edition).order_by(Edition.id))  # type: ignore[arg-type]  # a column
    assert few.state is EditionState.FINISHED
    assert (few.counts["failed"], few.counts["sent"]) == (2, 38)
    assert many.state is EditionState.HELD
    assert many.hold_reason == f"the mails of 3 contents cannot be made: {SENTENCE}"
    assert Counter(one.content_id for one in deliveries(db) if one.state is DeliveryState.FAILED) == (
        Counter(unfit)
    )


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UnfitError(SENTENCE), "5.6.0", SENTENCE),
        (
            RenderError("goodbye.html.j2: Invalid isoformat string: 'ann@example.org'"),
            "5.6.0",
            "goodbye.html.j2: Invalid isoformat string: (an address)",
        ),
        (SlotError("no value for slot mute"), "5.6.0", "no value for slot mute"),
        (
            AddressError("the address cannot be written to"),
            "5.1.3",
            "the address cannot be written to",
        ),
        (LookupError("ann@example.org"), "", "LookupError"),
        (RenderError("x" * 999), "5.6.0", "x" * 200),
    ],
)
def test_our_own_words_are_kept_and_no_address_is(error: Exception, code: str, text: str) -> None:
    outcome = unmade(error)
    assert (outcome.enhanced, outcome.text) == (code, text)
