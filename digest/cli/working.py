"""`digest worker | tick`: the machine without its web pages."""

import asyncio
import multiprocessing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from digest import scheduler, stages, threads
from digest.cli import opening, output
from digest.cli.ending import end_when_told, wait


def worker(
    *,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many; DIGEST_WORKER__PROCESSES if not said.")
    ] = None,
) -> None:
    """Gather, match, plan and send, without web pages."""
    end_when_told()
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
        opening.keep_log(runtime.settings)
        output.say(f"Working with {count} {'process' if count == 1 else 'processes'}. Ctrl-C ends it.")
        wait()


def _sender() -> None:
    """One more process that only sends."""
    end_when_told()
    with opening.sending() as runtime, threads.sending(runtime):
        wait()
