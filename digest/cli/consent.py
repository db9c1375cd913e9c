"""`digest consent`: the proof that people asked for it, whole and for one person."""

from pathlib import Path
from typing import Annotated

import typer

from digest.cli import opening, output
from subscribers import anchors, proof, verification
from subscribers.addresses import canonical
from subscribers.chain import Anchor
from subscribers.errors import AnchorError

app = typer.Typer(help="Prove and check the recorded consent.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AnchorFile = Annotated[
    Path | None,
    typer.Option("--anchor", exists=True, dir_okay=False, help="Compare with the ends noted in this file."),
]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write a page for printing.")]


@app.command()
def verify(*, anchor: AnchorFile = None, json: Json = False) -> None:
    """Check the hash chain of all consent events; exit 1 with the first broken one."""
    known = _anchors(anchor) if anchor else []
    with opening.database() as db, db.read() as session:
        found = verification.verify(session, anchors=known)
    result = {**output.plain(found), "ok": found.ok}
    if json:
        output.as_json(result)
    else:
        output.facts(result.items())
    if not found.ok:
        output.fail(f"The chain is broken at event {found.first_bad}: it is not what was recorded.")


@app.command("proof")
def proof_(
    email: Annotated[str, typer.Argument(help="The subscriber's address.")],
    *,
    html: Html = None,
    json: Json = False,
) -> None:
    """Show everything that proves one person's consent, with the wordings."""
    with opening.running() as runtime, runtime.db.read() as session:
        found = proof.proof(session, canonical(email), timezone=runtime.settings.timezone)
        if found is None:
            output.fail(f"Nothing is recorded about {email}.")
        shown = output.plain(found)
        if html:
            page = runtime.templates.page("proof.html", lang="en", proof=shown)
            html.write_text(page, encoding="utf-8")
            output.say(f"The proof stands in {html}.")
            return
    if json:
        output.as_json(found)
        return
    for event in shown["events"]:
        output.facts((name.replace("_", " "), value) for name, value in event.items())
        output.say("")


def _anchors(file: Path) -> list[Anchor]:
    try:
        with file.open(encoding="utf-8") as lines:
            return anchors.read(lines)
    except (AnchorError, UnicodeDecodeError) as error:
        output.fail(f"{file} is no anchor file: {error}.")
