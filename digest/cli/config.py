"""`digest config`: what is set, and what is wrong with it, all at once."""

from typing import Annotated

import typer

from digest.cli import output
from digest.cli.opening import settings
from digest.settings import SettingsError, load, masked, missing_for_sending

app = typer.Typer(help="Show and check the settings.", no_args_is_help=True)


@app.command()
def show(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every setting with its value; secrets are masked."""
    values = masked(settings())
    if json:
        output.as_json(values)
    else:
        output.facts(values.items())


@app.command()
def check(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check all settings and name every problem, not only the first."""
    try:
        problems = missing_for_sending(load())
    except SettingsError as error:
        problems = error.problems
    if json:
        output.as_json({"ok": not problems, "problems": problems})
    elif not problems:
        output.say("All settings are in order.")
    for problem in [] if json else problems:
        output.errors.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(output.FAILED)
