"""The `digest` command: its parts put together, and the one place where an error becomes a sentence."""

import sys
from typing import Annotated

import typer

from digest import __version__
from digest.cli import config, database, editions, feeds, people, running, topics, trying
from digest.cli.output import errors
from digest.cli.problems import sentence

app = typer.Typer(
    name="digest",
    help="News by email, exactly as each reader asked for it.",
    epilog="Start with `digest demo`: a digest in a browser inbox, nothing to configure.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
running.register(app)
trying.register_commands(app)
for name, part in (
    ("feeds", feeds.app),
    ("topics", topics.app),
    ("subscribers", people.app),
    ("consent", people.consent),
    ("editions", editions.app),
    ("db", database.app),
    ("config", config.app),
):
    app.add_typer(part, name=name)


def _version(is_asked: bool) -> None:  # noqa: FBT001 - typer hands the option over by position
    if is_asked:
        typer.echo(f"newsdigest {__version__}")
        raise typer.Exit


@app.callback()
def digest(
    *,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """News by email, exactly as each reader asked for it."""


def main() -> None:
    """Run a command; a known problem is one sentence on stderr and exit code 1, never a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the rim: whatever happens ends in a sentence
        errors.print(sentence(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
