"""`digest editions` as an operator and a script meet it, through the program's own rim."""

import asyncio
import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select, update

from digest.cli.app import main
from digest.cli.operator import login
from digest.db import Database
from digest.delivery import edition_control as control
from digest.delivery import witness
from digest.delivery.models import Delivery, DeliveryState, Instance, Reason
from digest.delivery.witness import Seen, Witness
from digest.editions.models import Release
from digest.feeds.models import Article, ArticleState, Feed, FeedState, Trust
from subscribers.models import Subscriber
from tests.support.sending import make_edition, send_all, states
from tests.support.smtp import serve

Command = Callable[..., tuple[int, Any]]


@pytest.fixture
def command(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Types `digest editions … --json`; the exit code, and the document or the sentence on stderr."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", db.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DIGEST_SECRET_KEY", "0123456789abcdef" * 4)
    monkeypatch.setenv("DIGEST_BASE_URL", "https://news.example.org")
    monkeypatch.setenv("DIGEST_STATE_DIR", str(tmp_path))

    def run(*words: object) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["digest", "editions", *map(str, words), "--json"])
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        return code, json.loads(out.getvalue()) if code == 0 else err.getvalue()

    return run


def put_back(db: Database, now: datetime, file: Path) -> None:
    """Three people are owed an edition, and this machine has seen more than the database knows."""
    with db.write() as session:
        make_edition(session, 3, now=now)
        session.add(Release(no=1, cut_at=now))
        feed = Feed(
            url="https://f.example.org/rss", original_url="", url_key="f", title="F", trust=Trust.OWN,
            state=FeedState.PAUSED, baseline_done=True, next_check_at=now, state_since=now, created_at=now,
        )  # fmt: skip
        session.add(feed)
        session.flush()
        session.add(
            Article(
                feed_id=feed.id, title="Neu", link="https://news.example.org/1", summary="", language="de", source="F",
                state=ArticleState.ELIGIBLE, published_at=now, effective_at=now, first_seen_at=now, last_seen_at=now,
                matched_at=now,
            )
        )  # fmt: skip
        instance = control.the_instance(session)
        Witness(file).write(Seen(str(instance.public_id), 9, 4000))
        assert witness.check(session, Witness(file), now=now)


def sent(db: Database, now: datetime, folder: Path) -> int:
    """How many mails a worker of this machine sends now."""

    async def main() -> int:
        async with serve() as server:
            return (await send_all(db, server.port, now=now, witness=Witness(folder / "w.json"))).sent

    return asyncio.run(main())


def open_states(db: Database) -> dict[str, int]:
    """Without the row that only keeps the ids rising."""
    with db.read() as session:
        rows = session.exec(select(Delivery.state).where(col(Delivery.edition_id).is_not(None)))
        found: dict[str, int] = {}
        for state in rows:
            found[state.value] = found.get(state.value, 0) + 1
    return found


def test_after_a_restore_a_plain_release_asks_for_a_choice_and_changes_nothing(
    db: Database, now: datetime, tmp_path: Path, command: Command
) -> None:
    put_back(db, now, tmp_path / "w.json")
    code, said = command("release", "--all")
    assert code == 1
    assert "--restored skip" in said
    assert "--restored send" in said
    with db.read() as session:
        assert "older copy" in session.exec(select(Instance.hold_reason)).one()
    [row] = command("list")[1]
    assert "older copy" in row["reason"]


def test_restored_skip_sends_nothing_old_and_counts_what_came_meanwhile_as_had(
    db: Database, now: datetime, tmp_path: Path, command: Command
) -> None:
    put_back(db, now, tmp_path / "w.json")
    assert command("release", "--all", "--restored", "skip") == (
        0,
        {"id": None, "changed": True, "skipped": 3},
    )
    assert command("release", "--all", "--restored", "skip")[1] == {
        "id": None,
        "changed": False,
        "skipped": 0,
    }
    assert sent(db, now, tmp_path) == 0
    with db.read() as session:
        newest = session.exec(select(Article.release_no)).one()
        assert newest is not None
        assert newest > 1
        assert set(session.exec(select(Subscriber.last_release))) == {newest}
    assert open_states(db) == {"skipped": 3}
    number = command("list")[1][0]["id"]
    assert command("show", number)[1]["reasons"] == {"skipped": {"restored": 3}}


def test_restored_send_goes_on_as_the_rows_say(
    db: Database, now: datetime, tmp_path: Path, command: Command
) -> None:
    put_back(db, now, tmp_path / "w.json")
    assert command("release", "--all", "--restored", "send")[1]["changed"] is True
    assert command("release", "--all", "--restored", "send")[1]["changed"] is False
    assert sent(db, now, tmp_path) == 3
    assert open_states(db) == {"sent": 3}


@pytest.mark.parametrize("way", ["skip", "send"])
def test_a_way_out_of_a_restore_that_never_was_changes_nothing(
    db: Database, now: datetime, command: Command, way: str
) -> None:
    with db.write() as session:
        make_edition(session, 3, now=now)
        control.hold_all(session, reason="held by the operator", now=now)
    assert command("release", "--all", "--restored", way)[1]["changed"] is False
    assert states(db) == {"planned": 3}
    with db.read() as session:
        assert session.exec(select(Instance.hold_reason)).one() == "held by the operator"


def test_hold_release_cancel_and_retry_say_what_changed_and_repeat_harmlessly(
    db: Database, now: datetime, command: Command
) -> None:
    with db.write() as session:
        number = make_edition(session, 4, now=now)
    for words, changed in (
        (("hold",), True),
        (("hold",), False),
        (("release",), True),
        (("release",), False),
    ):
        assert command(*words, number)[1] == {"id": number, "changed": changed}
    assert command("hold", "--all", "--reason", "moving")[1]["changed"] is True
    assert command("show", number)[1]["reason"] == "moving"
    assert command("release", "--all")[1]["changed"] is True
    with db.write() as session:
        failed = update(Delivery).where(col(Delivery.id) <= 2).values(state=DeliveryState.FAILED)
        session.exec(failed.values(reason=Reason.NO_SUCH_ADDRESS))
        unknown = update(Delivery).where(col(Delivery.id) == 3).values(state=DeliveryState.UNKNOWN)
        session.exec(unknown.values(reason=Reason.LOST, resends=1))
    assert command("retry", number)[1]["planned"] == 0
    assert command("retry", number, "--refused", "--unknown", "--yes")[1]["planned"] == 3
    assert command("retry", number, "--refused", "--unknown", "--yes")[1]["planned"] == 0
    assert command("cancel", number, "--return-news", "--yes")[1] == {"id": number, "skipped": 4}
    assert command("cancel", number, "--return-news", "--yes")[1] == {"id": number, "skipped": 0}
    shown = command("show", number)[1]
    assert shown["reason"] == "cancelled"
    assert shown["reasons"] == {"skipped": {"cancelled": 3}, "unknown": {"cancelled": 1}}
    assert [
        (one["action"], one["everything"], one["reason"], one["deliveries"]) for one in shown["interventions"]
    ] == [
        ("hold", False, "held by the operator", 0),
        ("release", False, "", 0),
        ("hold", True, "moving", 0),
        ("release", True, "", 0),
        ("retry", False, "refused unknown", 3),
        ("cancel", False, "its news come again", 4),
    ]
    assert {one["who"] for one in shown["interventions"]} == {login()}
    with db.read() as session:
        assert sorted(session.exec(select(Subscriber.last_release))) == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("hold", 99), 1),
        (("release", 99), 1),
        (("cancel", 99, "--yes"), 1),
        (("retry", 99), 1),
        (("show", 99), 1),
        (("release", 1, "--all"), 2),
        (("hold", 1, "--all"), 2),
        (("release",), 2),
        (("release", "--restored", "skip"), 2),
    ],
)
def test_a_command_that_fits_nothing_is_one_sentence(
    command: Command, words: tuple[object, ...], code: int
) -> None:
    ended, said = command(*words)
    assert (ended, len(said.strip().splitlines())) == (code, 1)
