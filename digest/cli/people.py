"""`digest subscribers`: who reads, and how they come and go."""

import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

import typer
from sqlalchemy import select
from sqlmodel import Session, col

from digest.cli import mailto, opening, output
from digest.delivery import outbox
from digest.delivery.history import deliveries_of
from digest.delivery.models import Reason
from digest.editions.plan import newest_release
from digest.matching.query import parse_query
from digest.runtime import Runtime
from subscribers import admission, importing, pause, privacy, register, unsubscribe
from subscribers.addresses import canonical
from subscribers.admission import Admission, Newcomer
from subscribers.choices import Choices, OwnTopic
from subscribers.models import Cadence, ConsentKind, Subscriber, SubscriberState, Topic, TopicKind, TopicState
from subscribers.signup import Origin, SignUp, sign_up
from subscribers.unsubscribe import Source

app = typer.Typer(help="Add, show, pause, export and erase subscribers.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Email = Annotated[str, typer.Argument(help="The subscriber's address.")]
Note = Annotated[str, typer.Option(help="How and when this person agreed; kept as proof.")]

_TOLD = {
    Admission.ADDED: "is subscribed",
    Admission.PRESENT: "was subscribed already; nothing changed",
    Admission.LEFT: "has unsubscribed and can come back only by the sign-up form; nothing changed",
    Admission.SUPPRESSED: "must not be mailed (suppressed); nothing changed",
}


@app.command()
def add(
    email: Email,
    *,
    topic: Annotated[
        list[str] | None, typer.Option(help="A topic's slug; may be said several times.")
    ] = None,
    query: Annotated[list[str] | None, typer.Option(help="A query of their own; several times.")] = None,
    cadence: Annotated[Cadence, typer.Option(help="How often.")] = Cadence.DAILY,
    weekday: Annotated[int, typer.Option(min=0, max=6, help="For weekly: Monday is 0.")] = 0,
    time: Annotated[str, typer.Option(help="HH:MM on their own clock.")] = "07:00",
    timezone: Annotated[
        str | None, typer.Option(help="Like Europe/Berlin; DIGEST_TIMEZONE if not said.")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="de or en; DIGEST_LANGUAGE if not said.")] = None,
    consent: Note = "",
    json: Json = False,
) -> None:
    """Add a subscriber. With --consent at once; without it, a confirmation mail goes out instead."""
    address = canonical(email)
    with opening.running() as runtime, runtime.db.write() as session:
        choices = Choices(
            topics=_known(session, topic or []),
            own=tuple(OwnTopic(query=str(parse_query(text)), typed=text, name=text) for text in query or []),
            cadence=cadence,
            weekday=weekday if cadence is Cadence.WEEKLY else None,
            local_time=_time(time),
            timezone=_zone(timezone or runtime.settings.timezone),
            locale=lang or runtime.settings.language,
        )
        if not choices.topics and not choices.own:
            output.fail("Choose at least one topic with --topic, or give a query with --query.")
        told, state = _admit(runtime, session, Newcomer(address=address, choices=choices), consent)
    if json:
        output.as_json({"email": address.address, "result": state})
    else:
        output.say(f"{address.address} {told}.")
    if state in {Admission.LEFT.value, Admission.SUPPRESSED.value}:
        raise typer.Exit(output.FAILED)


def _admit(runtime: Runtime, session: Session, person: Newcomer, note: str) -> tuple[str, str]:
    now = runtime.clock()
    if not note:
        wish = SignUp(address=person.address, choices=person.choices, origin=Origin(source="cli"))
        (owed,) = sign_up(session, [wish], now=now, hasher=runtime.hasher)
        if owed is not None:
            outbox.enqueue(session, owed, now=now)
        return "gets a confirmation mail and is subscribed by the link in it", "confirmation"
    (result,) = admission.add(
        session,
        [person],
        note=note,
        now=now,
        release_no=newest_release(session),
        hasher=runtime.hasher,
    )
    return _TOLD[result], result.value


@app.command("list")
def list_(
    *,
    state: Annotated[SubscriberState | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
    after: Annotated[int, typer.Option(min=0, help="Start behind this number.")] = 0,
    json: Json = False,
) -> None:
    """Show subscribers, in the order they came."""
    with opening.database() as db, db.read() as session:
        rows = register.page(session, state=state, after=after, limit=limit)
    if json:
        output.as_json(rows)
        return
    columns = ("id", "email", "state", "cadence", "time", "timezone", "language")
    output.table(
        columns,
        ([row[name] for name in columns] for row in rows),
        empty="There are no subscribers yet: share the sign-up page, or `digest subscribers add`.",
    )


@app.command()
def show(email: Email, *, json: Json = False) -> None:
    """Show one subscriber: wishes, consent and what was sent."""
    with opening.running() as runtime, runtime.db.read() as session:
        person = _found(session, email)
        facts = register.show(session, person, hasher=runtime.hasher) | {
            "deliveries": deliveries_of(session, person.id)
        }
    if json:
        output.as_json(facts)
        return
    lists = {"consent", "deliveries"}
    output.facts((name.replace("_", " "), value) for name, value in facts.items() if name not in lists)
    output.table(
        ("at", "consent", "source"),
        ((one.get("at"), one.get("kind"), one.get("source")) for one in facts["consent"]),
        empty="No consent is recorded.",
    )
    output.table(
        ("mail", "edition of", "state", "reason", "ended"),
        (
            (one["kind"], one["local_date"], one["state"], one["reason"], one["settled_at"])
            for one in facts["deliveries"]
        ),
        empty="Nothing was sent yet.",
    )


@app.command("pause")
def pause_(email: Email) -> None:
    """Send no editions until the person resumes."""
    _change(
        email, lambda session, person, _: pause.pause(session, person.public_id, until=None), Reason.PAUSED
    )
    output.say(f"{email} is paused.")


@app.command("unsubscribe")
def unsubscribe_(
    email: Annotated[str | None, typer.Argument(help="The subscriber's address; not with --mail.")] = None,
    *,
    mail: Annotated[
        bool, typer.Option("--mail", help="Read one message to the unsubscribe address from stdin.")
    ] = False,
) -> None:
    """Send this person nothing any more."""
    if (email is None) is not mail:
        output.fail("Say an address, or --mail and hand the message over on stdin.", code=output.USAGE)
    message = sys.stdin.buffer.read() if mail else b""
    with opening.running() as runtime, runtime.db.write() as session:
        person = _found(session, email) if email else mailto.leaver(session, runtime, message)
        if person is None:
            output.fail("No recipient of this message is an unsubscribe address of ours; nothing changed.")
        source, now = Source.MAILTO if mail else Source.CLI, runtime.clock()
        unsubscribe.unsubscribe(session, person.public_id, now=now, source=source)
        outbox.withdraw(session, person.id, now=now, reason=Reason.UNSUBSCRIBED)
    output.say(f"{email} is unsubscribed." if email else "The person is unsubscribed.")


@app.command()
def erase(email: Email, *, yes: Yes = False) -> None:
    """Erase everything about an address; it stays unmailed for ever."""
    address = canonical(email)
    if not output.agreed(f"Erase everything about {address.address}? This cannot be undone.", yes=yes):
        return
    with opening.running() as runtime, runtime.db.write() as session:
        now = runtime.clock()
        privacy.erase_address(
            session,
            address,
            now=now,
            hasher=runtime.hasher,
            source="cli",
            withdraw=lambda subscriber_id, text: outbox.forget(session, subscriber_id, text, now=now),
        )
    output.say("Everything about this address is erased, and it will not be mailed again.")


@app.command()
def export(email: Email, *, json: Json = True) -> None:  # noqa: ARG001 - it is always JSON; the flag is for symmetry
    """Write everything held about a person as JSON to standard output."""
    with opening.running() as runtime, runtime.db.read() as session:
        person = _found(session, email)
        data = privacy.export(session, person.public_id, hasher=runtime.hasher) or {}
        output.as_json({**data, "deliveries": deliveries_of(session, person.id)})


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV with the columns of --help.")
    ],
    *,
    consent: Note,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without this, only say what would happen.")
    ] = False,
    json: Json = False,
) -> None:
    """Add many subscribers from a CSV file: email,topics,cadence,time,timezone,language,created_at (topics: a;b)."""
    with opening.running() as runtime:
        result = _import(runtime, file, note=consent, applies=apply)
    if json:
        output.as_json(result)
    else:
        output.facts((name, value) for name, value in result.items() if name != "problems")
        for problem in result["problems"][:20]:
            output.say(f"line {problem['line']}: {problem['reason']} {problem['value']}")
        if not apply:
            output.say("Nothing was written: say --apply to do it.")
    if result["problems"]:
        raise typer.Exit(output.PARTLY)


def _import(runtime: Runtime, file: Path, *, note: str, applies: bool) -> dict[str, Any]:
    settings, now = runtime.settings, runtime.clock()
    with runtime.db.read() as session:
        topics, release_no = _slugs(session), newest_release(session)
    reader = importing.Reader(
        topics=topics,
        languages=runtime.templates.languages,
        defaults=Choices(timezone=settings.timezone, locale=settings.language),
        now=now,
    )
    counts = dict.fromkeys((one.value for one in Admission), 0)
    problems: list[Any] = []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for batch in reader.batches(lines):
            problems += batch.problems
            with runtime.db.write() as session:
                results = (
                    admission.add(
                        session,
                        batch.people,
                        note=note,
                        now=now,
                        release_no=release_no,
                        hasher=runtime.hasher,
                        kind=ConsentKind.IMPORTED,
                    )
                    if applies
                    else admission.judge(session, batch.people, hasher=runtime.hasher)
                )
            for one in results:
                counts[one.value] += 1
    return {**counts, "applied": applies, "problems": output.plain(problems)}


def _change(email: str, change: Any, reason: Reason) -> None:
    """Change a person and take back what was still to be sent, in one transaction."""
    with opening.running() as runtime, runtime.db.write() as session:
        person = _found(session, email)
        change(session, person, runtime)
        outbox.withdraw(session, person.id, now=runtime.clock(), reason=reason)


def _found(session: Session, email: str) -> Subscriber:
    person = register.find(session, canonical(email))
    if person is None:
        output.fail(f"There is no subscriber {email}. `digest subscribers list` shows them.")
    return person


def _slugs(session: Session) -> list[str]:
    rows = select(col(Topic.slug)).where(
        col(Topic.kind) == TopicKind.CURATED, col(Topic.state) == TopicState.ACTIVE
    )
    return list(session.execute(rows.order_by(col(Topic.slug))).scalars())


def _known(session: Session, slugs: Sequence[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(chain.from_iterable(part.split(",") for part in slugs)))
    there = _slugs(session)
    for slug in wanted:
        if slug not in there:
            output.fail(f"There is no topic {slug}. There are: {', '.join(there) or 'none yet'}.")
    return wanted


def _time(text: str) -> str:
    hours, colon, minutes = text.partition(":")
    if not (colon and len(text) == 5 and hours.isdecimal() and minutes.isdecimal()):
        output.fail(f"{text} is no time; write it like 07:00.", code=output.USAGE)
    if int(hours) > 23 or int(minutes) > 59:
        output.fail(f"{text} is no time; write it like 07:00.", code=output.USAGE)
    return text


def _zone(name: str) -> str:
    if name not in available_timezones():
        output.fail(f"{name} is no time zone; use a name like Europe/Berlin.", code=output.USAGE)
    return name
