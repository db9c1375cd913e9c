"""The long-running commands as an operator starts them: real processes, the real clock, told to stop by SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.test_ann import link
from tests.support import mail, smtp
from tests.support.browser import visit
from tests.support.feedserver import FeedServer
from tests.support.house import ENVIRONMENT, rss
from tests.support.site import listening

MEMORY_AT_MOST = 200 * 2**20
ONE_MACHINE, MANY = [["run"]], [["serve"], ["worker", "--processes", "2"]]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_who_signs_up_gets_the_news_and_a_stop_is_a_clean_end(
    tmp_path: Path, database_url_empty: str
) -> None:
    services = ONE_MACHINE if database_url_empty.startswith("sqlite") else MANY
    with FeedServer() as feeds, smtp.running() as post:
        environment = environment_of(tmp_path, database_url_empty, feeds=feeds, post=post)
        feeds.publish("/feed", rss(("1", "KI liest Keilschrift", "Ganz neu."), at=datetime.now(UTC)))
        for words in (
            ["db", "upgrade"],
            ["feeds", "add", feeds.url("/feed"), "--trust", "own", "--no-check"],
            ["topics", "add", "ki", "--name", "KI", "--query", "KI"],
        ):
            subprocess.run(
                command(words), env=environment, cwd=tmp_path, check=True, capture_output=True, timeout=90
            )
        with started(services, environment, tmp_path) as processes:
            with httpx.Client(base_url=environment["DIGEST_BASE_URL"], follow_redirects=True) as web:
                wait(lambda: is_ready(web))
                sign_up(web, post)
            wait(lambda: any(b"Keilschrift" in one for one in post.mails))
            used = sum(child.memory_full_info().pss for child in family(processes[0]))
        assert [one.returncode for one in processes] == [0] * len(processes)
    subjects = [mail.read(one.removesuffix(b".\r\n")).raw("Subject") for one in post.mails]
    assert len(subjects) == len(set(subjects)) == 3  # confirmation, welcome, the news: each once
    assert services != ONE_MACHINE or used < MEMORY_AT_MOST


def environment_of(
    folder: Path, database_url: str, *, feeds: FeedServer, post: smtp.Server
) -> dict[str, str]:
    """What an operator would write into .env, for ports that are free now; alerts may come at any hour."""
    with listening() as taken:
        port = taken.getsockname()[1]
    return {
        **os.environ,
        **ENVIRONMENT,
        "DIGEST_DATABASE_URL": database_url,
        "DIGEST_BASE_URL": f"http://127.0.0.1:{port}",
        "DIGEST_SMTP__PORT": str(post.port),
        "DIGEST_FETCH__PORTS": str(feeds.port),
        "DIGEST_STATE_DIR": str(folder),
        "DIGEST_INSTANT__QUIET": "",
    }


def command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "digest.cli", *words]


@contextmanager
def started(
    services: list[list[str]], environment: dict[str, str], folder: Path
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The services running; at the end each is told to stop and has ended."""
    port = environment["DIGEST_BASE_URL"].rpartition(":")[2]
    with ExitStack() as stack:
        processes = []
        for words in services:
            listens = ["--port", port] if words[0] in {"run", "serve"} else []
            path = folder / f"{words[0]}.log"
            log = stack.enter_context(path.open("wb"))
            stack.callback(lambda path=path: print(path.read_text()[-4000:]))  # noqa: T201 - shown when a test fails
            process = subprocess.Popen(
                command([*words, *listens]), env=environment, cwd=folder, stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        yield processes
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(60)


def sign_up(web: httpx.Client, post: smtp.Server) -> None:
    """Ann signs up for alerts and confirms by the link in her mail."""
    form = visit(web, "/subscribe?lang=de")
    time.sleep(2.1)  # a person takes a while; who is faster is taken for a robot
    form.press(
        "Kostenlos anmelden", email="ann@example.org", topic=["ki"], query=["", "", ""], cadence="instant"
    )
    wait(lambda: bool(post.mails))
    confirmation = mail.read(post.mails[0].removesuffix(b".\r\n"))
    page = visit(web, link(confirmation, "confirm").removeprefix(str(web.base_url)))
    page.press("Anmeldung bestätigen")


def is_ready(web: httpx.Client) -> bool:
    try:
        return web.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def family(process: subprocess.Popen[bytes]) -> list[Any]:
    """A process and what it started; `pss` counts a page they share once."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def wait(is_so: Callable[[], bool]) -> None:
    """Until something is so in another process; a test that waits in vain fails."""
    end = datetime.now(UTC) + timedelta(seconds=90)
    while not is_so():
        assert datetime.now(UTC) < end
        time.sleep(0.1)
