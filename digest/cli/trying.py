"""`digest preview | send-test | explain | doctor`: look before anything goes out."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from digest import doctor as clinic
from digest import previews
from digest.cli import opening, output
from digest.db import Database
from digest.delivery.why import why
from digest.editions.calendar import next_due
from digest.editions.draft import imagined_reader
from digest.runtime import Runtime
from subscribers import register
from subscribers.addresses import canonical
from subscribers.models import Subscriber

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="A topic's slug; may be said several times.")
]


def preview(
    *,
    folder: Annotated[
        Path, typer.Option("-o", "--output", file_okay=False, help="Where to write the files.")
    ],
    subscriber: Annotated[str | None, typer.Option(help="The reader's address.")] = None,
    topic: Topics = None,
    at: Annotated[datetime | None, typer.Option(help="Pretend it is this moment (ISO 8601, UTC).")] = None,
    json: Json = False,
) -> None:
    """Write the next edition of a reader or of topics as .html, .txt and .eml, with the reasons. Sends nothing."""
    moment = None if at is None else at.replace(tzinfo=at.tzinfo or UTC)
    with opening.sending(at=moment) as runtime:
        made = previews.preview(runtime, _reader(runtime, subscriber, topic or []))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "preview.html").write_text(made.html, encoding="utf-8")
    (folder / "preview.txt").write_text(made.text, encoding="utf-8")
    (folder / "preview.eml").write_bytes(made.message.data)
    (folder / "reasons.json").write_text(output.json_text(made.reasons), encoding="utf-8")
    if json:
        output.as_json({"folder": folder, **_about(made), **made.reasons})
        return
    output.facts(
        [
            ("subject", made.subject),
            ("octets", ", ".join(f"{part} {size:,}" for part, size in made.sizes.items())),
            ("headers", ", ".join(made.headers)),
            ("links", len(made.links)),
            ("written to", str(folder)),
        ]
    )
    for problem in made.report.errors:
        output.say(f"✗ {problem}: this mail would not be sent")
    for problem in made.report.warnings:
        output.say(f"! {problem}")
    output.table(
        ("place", "article", "topic", "field", "found", "score"),
        (
            [one[name] for name in ("place", "title", "topic", "field", "term", "score")]
            for one in made.reasons["shown"]
        ),
        empty="It shows no article.",
    )
    for one in made.reasons["out"]:
        output.say(f"- out: {one['title']} ({one['why']})")
    for link in made.links:
        output.say(f"→ {link}")


def _about(made: previews.Preview) -> dict[str, Any]:
    return {
        "subject": made.subject,
        "bytes": made.sizes["mail"],
        "sizes": made.sizes,
        "headers": made.headers,
        "links": made.links,
        "errors": made.report.errors,
        "warnings": made.report.warnings,
    }


def send_test(
    email: Annotated[str, typer.Argument(help="Where to send it.")],
    *,
    topic: Topics = None,
    json: Json = False,
) -> None:
    """Send one real mail, marked as a test: the next edition of this reader, or of the topics given. Not counted."""
    address = canonical(email).address
    with opening.sending() as runtime:
        made = previews.preview(
            runtime, _reader(runtime, None if topic else email, topic or []), recipient=address
        )
        reply = asyncio.run(previews.send(runtime, made.message))
    if json:
        output.as_json({"email": address, "subject": made.subject, "reply": reply})
    else:
        output.say(f"The mail server took it: {reply}")


def explain(
    email: Annotated[str, typer.Argument(help="The subscriber's address.")],
    url: Annotated[str, typer.Argument(help="The article's address.")],
    *,
    json: Json = False,
) -> None:
    """Say why this person did, did not, or will get this article."""
    with opening.database() as db, db.read() as session:
        person = _known(session, email)
        answer = why(session, person, url)
        due = next_due(
            opening.now(),
            cadence=person.cadence,
            weekday=person.weekday,
            local_time=person.local_time,
            timezone=person.timezone,
        )
    if json:
        output.as_json({"outcome": answer.outcome.value, "reasons": answer.reasons})
        return
    output.say(answer.outcome.value.replace("_", " "))
    for reason in answer.reasons:
        output.say(f"- {reason}")
    if answer.outcome.value == "pending" and due is not None:
        output.say(f"- It is due {due:%Y-%m-%d %H:%M} UTC.")


def doctor(*, json: Json = False) -> None:
    """Check the database, settings, mail server, templates, clock and feeds; say what to do about each problem."""
    settings = opening.settings()
    with closing(Database(settings.database_url)) as db:
        found = [clinic.examine_database(db)]
    if found[0].ok:
        with opening.unchecked(settings) as runtime:
            found += clinic.examine(runtime)
    if json:
        output.as_json({"ok": all(one.ok for one in found), "findings": found})
    else:
        for one in found:
            mark = "!" if one.is_warning else "✓" if one.ok else "✗"
            output.say(f"{mark} {one.name}: {one.sentence}")
    if not all(one.ok for one in found):
        raise typer.Exit(output.FAILED)


def _reader(runtime: Runtime, email: str | None, topics: list[str]) -> Callable[[Session], Subscriber]:
    if email is None and not topics:
        output.fail("Name a reader with --subscriber, or topics with --topic.", code=output.USAGE)
    if email is not None:
        return lambda session: _known(session, email)
    settings = runtime.settings
    return lambda session: imagined_reader(
        session, topics, now=runtime.clock(), locale=settings.language, timezone=settings.timezone
    )


def _known(session: Session, email: str) -> Subscriber:
    person = register.find(session, canonical(email))
    if person is None:
        output.fail(f"There is no subscriber {email}. `digest subscribers list` shows them.")
    return person
