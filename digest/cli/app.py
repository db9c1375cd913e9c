"""The `digest` command: its parts put together, and the one place where an error becomes a sentence."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typing_extensions import override

from digest import __version__
from digest.cli.output import errors

PARTS: Final = {
    "demo": "demonstration.demo",
    "run": "running.run",
    "serve": "running.serve",
    "worker": "working.worker",
    "tick": "working.tick",
    "preview": "trying.preview",
    "send-test": "trying.send_test",
    "explain": "trying.explain",
    "doctor": "trying.doctor",
    "feeds": "feeds.app",
    "topics": "topics.app",
    "subscribers": "people.app",
    "consent": "consent.app",
    "editions": "editions.app",
    "promos": "promos.app",
    "db": "database.app",
    "config": "config.app",
    "dkim": "dkim.app",
}
"""Where each command stands, in the order of the help."""


class Parts(TyperGroup):
    """Commands that are imported when they are asked for: a worker carries no web pages, a list no mailer."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(PARTS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in PARTS:
            return None
        module, _, attribute = PARTS[cmd_name].partition(".")
        command = _made(getattr(import_module(f"digest.cli.{module}"), attribute))
        command.name = cmd_name
        return command


def _made(part: typer.Typer | Callable[..., None]) -> Any:
    """What typer makes of a group of commands, or of a function."""
    if isinstance(part, typer.Typer):
        return typer.main.get_group(part)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(part)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="digest",
    cls=Parts,
    help="News by email, exactly as each reader asked for it.",
    epilog="Start with `digest demo`: a digest in a browser inbox, nothing to configure.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        from digest.cli.problems import sentence  # noqa: PLC0415 - it knows the errors of every room: all of them

        errors.print(sentence(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
