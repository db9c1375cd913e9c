"""`digest demo`: the five-minute path."""

from typing import Annotated

import typer

from digest.cli import opening, output
from digest.demo.run import run_demo


def demo(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Send, print a JSON summary, exit.")] = False,
) -> None:
    """Show a digest in a browser inbox in a minute: sample feeds, sample readers, real mail, nothing to configure."""
    opening.configure_logging("error")
    summary = run_demo(port=port, once=once, announce=output.say)
    if once:
        output.as_json(summary)
        if not summary.mails:
            output.fail("No mail arrived; please report this.")
