"""`digest db`: bring the tables to this program's version."""

from contextlib import closing
from typing import Annotated

import typer

from digest import migrations
from digest.cli import output
from digest.cli.opening import settings
from digest.db import SCHEMA_HEAD, Database

app = typer.Typer(help="Create and upgrade the tables.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Create the tables, or bring them to this version. Repeating it is harmless."""
    with closing(Database(settings().database_url)) as db:
        before = db.schema_revision()
        migrations.upgrade(db)
    output.say(
        f"The database is current (schema {SCHEMA_HEAD})."
        if before == SCHEMA_HEAD
        else f"The database is now at schema {SCHEMA_HEAD}."
    )


@app.command()
def current(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the schema of the database and the one this program needs."""
    with closing(Database(settings().database_url)) as db:
        found = db.schema_revision()
    if json:
        output.as_json({"found": found, "needed": SCHEMA_HEAD, "is_current": found == SCHEMA_HEAD})
        return
    output.facts([("found", found or "empty"), ("needed", SCHEMA_HEAD)])


@app.command()
def check() -> None:
    """Exit 0 if the tables fit this program, 1 with a sentence if not."""
    with closing(Database(settings().database_url)) as db:
        db.require_schema()
    output.say(f"The database is current (schema {SCHEMA_HEAD}).")
