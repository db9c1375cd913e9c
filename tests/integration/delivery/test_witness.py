"""An older database that is put back sends nothing until the operator has chosen."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import col, select, update

from digest.db import Database
from digest.delivery import witness
from digest.delivery.models import Chunk, Delivery, DeliveryState, Instance
from digest.delivery.witness import Seen, Witness
from digest.editions.models import Edition, Release
from subscribers.models import Subscriber
from tests.support.sending import deliveries, make_edition, send_all, states
from tests.support.smtp import Server, serve


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "witness.json"


async def send(db: Database, server: Server, now: datetime, file: Path) -> int:
    return (await send_all(db, server.port, now=now, witness=Witness(file))).sent


async def put_back(db: Database, server: Server, now: datetime, file: Path) -> None:
    """An edition is sent; then the database is as it was before."""
    with db.write() as session:
        make_edition(session, 3, now=now)
        session.add(Release(no=5, cut_at=now))
    assert await send(db, server, now, file) == 3
    with db.write() as session:
        session.exec(
            update(Delivery).values(state=DeliveryState.PLANNED, attempts=0, fence=0, settled_at=None)
        )
        session.exec(update(Chunk).values(is_open=True, fence=0))
        session.exec(update(Edition).values(state="sending"))
        session.exec(update(Instance).values(beat=0, delivery_mark=0))


def held(db: Database) -> str:
    with db.read() as session:
        return session.exec(select(Instance.hold_reason)).one()


async def test_an_older_database_holds_everything_with_one_clear_sentence(
    db: Database, now: datetime, file: Path
) -> None:
    async with serve() as server:
        await put_back(db, server, now, file)
        assert await send(db, server, now, file) == 0
        assert await send(db, server, now, file) == 0
    assert len(server.accepted) == 3
    assert "older copy of the database" in held(db)


async def test_going_on_sends_as_the_rows_say(db: Database, now: datetime, file: Path) -> None:
    async with serve() as server:
        await put_back(db, server, now, file)
        await send(db, server, now, file)
        with db.write() as session:
            assert witness.go_on(session, now=now)
        assert await send(db, server, now, file) == 3
        assert await send(db, server, now, file) == 0
    assert held(db) == ""


async def test_starting_over_skips_and_moves_everybody_to_the_newest_release(
    db: Database, now: datetime, file: Path
) -> None:
    async with serve() as server:
        await put_back(db, server, now, file)
        await send(db, server, now, file)
        with db.write() as session:
            assert witness.start_over(session, now=now) == 3
            assert witness.start_over(session, now=now) == 0
        assert await send(db, server, now, file) == 0
    assert set(states(db)) == {"skipped"}
    assert (held(db), {row.reason for row in deliveries(db)}) == ("", {"restored"})
    with db.read() as session:
        assert set(session.exec(select(Subscriber.last_release))) == {5}


async def test_new_deliveries_get_ids_above_all_that_were_ever_used(
    db: Database, now: datetime, file: Path
) -> None:
    with db.write() as session:
        make_edition(session, 1, now=now)
        instance = session.merge(Instance(id=1))
        session.flush()
        Witness(file).write(Seen(str(instance.public_id), 9, 4000))
    with db.write() as session:
        assert witness.check(session, Witness(file), now=now)
        make_edition(session, 1, now=now, local_time="08:00")
    with db.read() as session:
        assert session.exec(select(col(Delivery.id)).order_by(col(Delivery.id).desc()).limit(1)).one() > 4000


async def test_a_crash_is_no_restore(db: Database, now: datetime, file: Path) -> None:
    with db.write() as session:
        make_edition(session, 2, now=now)
    async with serve() as server:
        assert await send(db, server, now, file) == 2
        with db.write() as session:
            make_edition(session, 2, now=now, local_time="08:00")
        assert await send(db, server, now, file) == 2


@pytest.mark.parametrize("content", ["", "{", '{"instance": 3}', "[]"])
def test_a_damaged_file_protects_nothing_and_breaks_nothing(file: Path, content: str) -> None:
    file.write_text(content, encoding="ascii")
    assert Witness(file).read() is None


def test_the_file_of_another_installation_is_not_believed(db: Database, now: datetime, file: Path) -> None:
    Witness(file).write(Seen("00000000-0000-0000-0000-000000000000", 99, 99))
    with db.write() as session:
        assert not witness.check(session, Witness(file), now=now)
