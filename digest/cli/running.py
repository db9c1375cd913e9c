"""`digest demo | run | serve | worker | tick`: the machine itself, whole or in parts."""

import asyncio
import multiprocessing
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from digest import scheduler, stages, threads
from digest.cli import opening, output
from digest.demo.run import run_demo
from digest.runtime import Runtime
from digest.web.app import create_app
from digest.web.server import server

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (demo, run, serve, worker, tick):
        app.command()(command)


def demo(
    *,
    port: Port = 8000,
    once: Annotated[bool, typer.Option("--once", help="Send, print a JSON summary, exit.")] = False,
) -> None:
    """Show a digest in a browser inbox in a minute: sample feeds, sample readers, real mail, nothing to configure."""
    opening.configure_logging("error")
    summary = run_demo(port=port, once=once, announce=output.say)
    if once:
        output.as_json(summary)
        if not summary.mails:
            output.fail("No mail arrived; please report this.")


def run(*, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything in one process: web pages, scheduler and worker. The default for one machine."""
    _end_when_told()
    with (
        opening.sending() as runtime,
        threads.sending(runtime) as wake,
        scheduler.ticking(runtime, on_planned=wake),
    ):
        _serve(runtime, host, port)


def serve(*, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the web pages only; `digest worker` does the rest. Any number of each on PostgreSQL."""
    _end_when_told()
    with opening.running() as runtime:
        _serve(runtime, host, port)


def worker(
    *,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many; DIGEST_WORKER__PROCESSES if not said.")
    ] = None,
) -> None:
    """Gather, match, plan and send, without web pages."""
    _end_when_told()
    with opening.sending() as runtime:
        count = processes or runtime.settings.worker.processes
    spawn = multiprocessing.get_context("spawn")
    more = [spawn.Process(target=_sender, name=f"sender-{number}") for number in range(1, count)]
    for process in more:
        process.start()
    try:
        _work(count)
    finally:
        for process in more:
            process.terminate()
        for process in more:
            process.join(threads.FAREWELL)


def tick(
    *,
    at: Annotated[
        datetime | None,
        typer.Option(
            help="Pretend it is this moment (ISO 8601); without a zone it is UTC.",
            formats=[
                "%Y-%m-%dT%H:%M:%S%z",
                "%Y-%m-%dT%H:%M%z",
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%d",
            ],
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do everything that is due, then exit: poll, match, plan, send. Fit for cron; --at replays a day."""
    moment = None if at is None else at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    with opening.sending(at=moment) as runtime:
        counts = asyncio.run(stages.tick(runtime))
    shown = {name: value for name, value in asdict(counts).items() if name != "route_error"}
    if json:
        output.as_json(shown)
    else:
        output.facts((name.replace("_", " "), value) for name, value in shown.items())
    if counts.route_error:
        output.fail(
            f"The mail server cannot be used: {counts.route_error}. Nothing was lost; run it again later."
        )
    if counts.failed or counts.unknown:
        raise typer.Exit(output.PARTLY)


def _work(count: int) -> None:
    """Gather, match, plan and send until told to stop."""
    with (
        opening.sending() as runtime,
        threads.sending(runtime) as wake,
        scheduler.ticking(runtime, on_planned=wake),
    ):
        output.say(f"Working with {count} {'process' if count == 1 else 'processes'}. Ctrl-C ends it.")
        _wait()


def _sender() -> None:
    """One more process that only sends."""
    _end_when_told()
    with opening.sending() as runtime, threads.sending(runtime):
        _wait()


def _end_when_told() -> None:
    """Make Ctrl-C and SIGTERM leave every `with` in order: mails past their dot land, claims are given back."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def _wait() -> None:
    while True:
        signal.pause()


def _serve(runtime: Runtime, host: str, port: int) -> None:
    output.say(f"Listening on http://{host}:{port} for {runtime.settings.base_url}. Ctrl-C ends it.")
    server(create_app(runtime), host=host, port=port).run()
