"""`digest editions`: what went out, what waits, and how to stop and go on."""

from typing import Annotated, Any

import typer
from sqlmodel import Session, col, select

from digest.cli import opening, output
from digest.cli import restored as restoring
from digest.cli.operator import login
from digest.cli.restored import WayOut
from digest.delivery import edition_control as control
from digest.delivery import witness
from digest.delivery.history import counts_by_reason, counts_by_state, faults
from digest.delivery.interventions import interventions
from digest.delivery.models import Instance
from digest.delivery.reasons import explain_reason
from digest.editions.listing import list_editions
from digest.editions.models import EditionState
from subscribers import suppression
from subscribers.models import Subscriber

app = typer.Typer(help="See, hold, release, cancel and retry editions.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(help="The edition's number in `editions list`.")]
MaybeNumber = Annotated[int | None, typer.Argument(help="The edition's number in `editions list`.")]
All = Annotated[bool, typer.Option("--all", help="Everything, planning included; confirmations still go.")]


@app.command("list")
def list_(
    *, limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50, json: Json = False
) -> None:
    """Show the newest editions with the state of their mails."""
    with opening.database() as db, db.read() as session:
        rows = list_editions(session, count=counts_by_state, limit=limit)
        _note_hold(session, rows)
    if json:
        output.as_json(rows)
        return
    output.table(
        ("id", "cadence", "for", "at", "zone", "state", "why", "contents", "sent", "open", "failed"),
        (
            (
                row["id"],
                row["cadence"],
                row["local_date"],
                row["local_time"],
                row["timezone"],
                row["state"],
                row["reason"],
                row["contents"],
                row["deliveries"]["sent"],
                sum(row["deliveries"][state] for state in ("planned", "claimed", "in_data", "deferred")),
                row["deliveries"]["failed"] + row["deliveries"]["unknown"],
            )
            for row in rows
        ),
        empty="There are no editions yet: the first comes at the hour a subscriber chose, if there is news.",
    )


@app.command()
def show(number: Number, *, json: Json = False) -> None:
    """Show one edition."""
    with opening.database() as db, db.read() as session:
        rows = list_editions(session, count=counts_by_state, edition_id=number)
        reasons = counts_by_reason(session, number)
        unmade = faults(session, number)
        done = interventions(session, number)
        _note_hold(session, rows)
    if not rows:
        output.fail(f"There is no edition {number}. `digest editions list` shows them.")
    if json:
        output.as_json(rows[0] | {"reasons": reasons, "faults": unmade, "interventions": done})
        return
    output.facts((name, value) for name, value in rows[0].items() if name != "deliveries")
    output.facts((f"  {state}", count) for state, count in rows[0]["deliveries"].items())
    output.facts(
        (f"  {state}, {reason}", f"{count} – {explain_reason(reason)}")
        for state, of_state in reasons.items()
        for reason, count in of_state.items()
    )
    for sentence in unmade:
        output.say(f"✗ {sentence}")
    output.facts((f"  {one['at']}", _in_words(one)) for one in done)


@app.command()
def hold(
    number: MaybeNumber = None,
    *,
    all_: All = False,
    reason: Annotated[str, typer.Option(help="Why; shown in `editions list`.")] = "held by the operator",
    json: Json = False,
) -> None:
    """Stop an edition, or everything: not one further mail is finished until `release`."""
    _check_target(number, all_=all_)
    with opening.database() as db, db.write() as session:
        if all_:
            is_new = control.hold_all(session, reason=reason, now=opening.now(), who=login())
        else:
            is_new = control.hold(session, _one(number), reason=reason, now=opening.now(), who=login())
    _tell(is_new, "is held", "was held already", number, json=json)


@app.command()
def release(
    number: MaybeNumber = None,
    *,
    all_: All = False,
    restored: Annotated[
        WayOut | None,
        typer.Option(
            help="After an older database was put back: `skip` what it still owes (nobody gets a second copy), "
            "or `send` it (nobody is left out)."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Go on where it was stopped."""
    _check_target(number, all_=all_)
    if restored is not None:
        _release_restored(restored, all_=all_, json=json)
        return
    with opening.database() as db, db.write() as session:
        if not all_:
            is_new = control.release(session, _one(number), now=opening.now(), who=login())
        elif witness.is_restored(session):
            output.fail(control.the_instance(session).hold_reason)
        else:
            is_new = control.release_all(session, now=opening.now(), who=login())
    _tell(is_new, "goes on", "was not held", number, json=json)


@app.command()
def cancel(
    number: Number,
    *,
    return_news: Annotated[
        bool, typer.Option("--return-news", help="The next edition carries what these people did not get.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Send nothing more of an edition."""
    if not output.agreed(f"Cancel the rest of edition {number}?", yes=yes):
        return
    with opening.database() as db, db.write() as session:
        skipped = control.cancel(session, number, now=opening.now(), returns_news=return_news, who=login())
    if json:
        output.as_json({"id": number, "skipped": skipped})
    else:
        output.say(f"Edition {number} is cancelled; {skipped} mails were not sent.")


@app.command()
def retry(
    number: Number,
    *,
    refused: Annotated[bool, typer.Option("--refused", help="Also addresses said not to exist.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Also mails that may have arrived.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Send the failed mails of an edition again."""
    if unknown and not output.agreed("A second copy is possible. Send the unknown ones again?", yes=yes):
        return
    with opening.running() as runtime, runtime.db.write() as session:

        def lift(inner: Session, ids: list[int]) -> None:
            keys = inner.exec(select(Subscriber.address_key).where(col(Subscriber.id).in_(ids)))
            for key in keys:
                suppression.lift(inner, key, hasher=runtime.hasher)

        done = control.retry(
            session, number, now=runtime.clock(), refused=refused, unknown=unknown, lift=lift, who=login()
        )
    if json:
        output.as_json({"id": number, **output.plain(done)})
    else:
        output.say(f"{done.planned} mails of edition {number} are sent again, {done.kept} stay as they are.")


def _release_restored(way: WayOut, *, all_: bool, json: bool) -> None:
    if not all_:
        output.fail("A restored database concerns everything: say --all.", code=output.USAGE)
    is_new, skipped = restoring.go_on(way)
    if json:
        output.as_json({"id": None, "changed": is_new, "skipped": skipped})
    elif not is_new:
        output.say("No older database was put back; nothing is changed.")
    else:
        output.say(f"Everything goes on; {skipped} mails of the older database are not sent.")


def _check_target(number: int | None, *, all_: bool) -> None:
    if all_ and number is not None:
        output.fail("Name an edition or say --all, not both.", code=output.USAGE)


def _one(number: int | None) -> int:
    if number is None:
        output.fail("Name an edition, or say --all.", code=output.USAGE)
    return number


def _in_words(done: dict[str, Any]) -> str:
    """One intervention: who did what, to how many mails, and why."""
    what = f"{done['action']} everything" if done["everything"] else done["action"]
    count = f", {done['deliveries']} mails" if done["deliveries"] else ""
    return f"{what} by {done['who']}{count}" + (f": {done['reason']}" if done["reason"] else "")


def _note_hold(session: Session, rows: list[dict[str, Any]]) -> None:
    """While everything is held, what is open says so."""
    instance = session.get(Instance, 1)
    for row in rows:
        if instance is not None and row["state"] in {EditionState.PLANNED, EditionState.SENDING}:
            row["reason"] = row["reason"] or instance.hold_reason


def _tell(is_new: bool, done: str, already: str, number: int | None, *, json: bool) -> None:  # noqa: FBT001 - the fact told
    what = "Everything" if number is None else f"Edition {number}"
    if json:
        output.as_json({"id": number, "changed": is_new})
    else:
        output.say(f"{what} {done if is_new else already}.")
