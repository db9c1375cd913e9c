"""`digest run | serve`: the reader's pages, with or without the rest of the machine."""

from typing import Annotated

import typer

from digest import scheduler, threads
from digest.cli import opening, output
from digest.cli.ending import end_when_told
from digest.runtime import Runtime
from digest.web.app import create_app
from digest.web.server import server

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")]


def run(*, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything in one process: web pages, scheduler and worker. The default for one machine."""
    end_when_told()
    with (
        opening.sending() as runtime,
        threads.sending(runtime) as wake,
        scheduler.ticking(runtime, on_planned=wake),
    ):
        opening.keep_log(runtime.settings)
        _serve(runtime, host, port)


def serve(*, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the web pages only; `digest worker` does the rest. Any number of each on PostgreSQL."""
    end_when_told()
    with opening.running() as runtime:
        _serve(runtime, host, port)


def _serve(runtime: Runtime, host: str, port: int) -> None:
    output.say(f"Listening on http://{host}:{port} for {runtime.settings.base_url}. Ctrl-C ends it.")
    server(create_app(runtime), host=host, port=port).run()
