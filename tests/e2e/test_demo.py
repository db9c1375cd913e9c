"""The newcomer's five minutes: one call, and real digests are in an inbox."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx
import pytest
import pytest_asyncio

from digest.demo.mailbox import CaughtMail
from digest.demo.run import Demo, DemoError, _work, demo, run_demo
from digest.demo.serving import bound

together = pytest.mark.asyncio(loop_scope="module")
LINK = re.compile(r"https?://[^\s<>\"']+")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory) -> AsyncIterator[Demo]:
    """One demo for all tests of this file; the last one lets everybody leave."""
    async with demo(tmp_path_factory.mktemp("demo") / "mails") as it:
        yield it


@asynccontextmanager
async def visitor(running: Demo) -> AsyncIterator[httpx.AsyncClient]:
    base_url = running.runtime.settings.base_url
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, headers={"Origin": base_url}) as client:
        yield client


def mail_to(running: Demo, name: str) -> CaughtMail:
    return next(mail for mail in running.mailbox if mail.recipient.startswith(name))


async def arrival(running: Demo, number: int) -> CaughtMail:
    async with asyncio.timeout(30):
        while (mail := running.mailbox.find(number)) is None:  # noqa: ASYNC110 - mails come over SMTP, nobody announces them
            await asyncio.sleep(0.05)
    return mail


@together
async def test_every_reader_gets_one_digest_in_their_language(running):
    assert (running.summary.feeds, running.summary.articles) == (3, 48)
    assert (running.summary.editions, running.summary.mails) == (3, 3)
    assert running.summary.matches > 40
    assert {mail.recipient: mail.language for mail in running.mailbox} == {
        "ann@example.org": "de",
        "ben@example.net": "en",
        "cleo@example.com": "de",
    }


@together
async def test_a_digest_holds_what_was_asked_for_with_the_reason_and_nothing_else(running):
    ann = mail_to(running, "ann").text
    assert "== Ukraine-Konflikt -Sport ==" in ann
    assert "‚Ukraine-Konflikt‘ im Titel" in ann
    assert "/news/de/friedensgipfel-genf-fortschritt" in ann
    assert "/news/de/benefizspiel-kiew-bremen" not in ann  # excluded: sport
    assert "/news/de/getreidepreise-mosel" not in ann  # mentioned in passing only
    assert "/news/halbinsel/deich-sensoren" not in ann  # so is KI there
    ben = mail_to(running, "ben").text
    assert "/news/en/machine-that-asks-back" in ben
    assert "/news/de/" not in ben.replace("/news/de\n", "")


@together
async def test_every_link_and_picture_of_the_mails_can_be_opened(running):
    urls = {
        unescape(url).partition("#")[0]
        for mail in running.mailbox
        for url in LINK.findall(mail.html + " " + mail.text)
        if url.startswith(running.runtime.settings.base_url)
    }
    async with visitor(running) as client:
        answers = {url: (await client.get(url)).status_code for url in urls}
    assert any("/news/images/" in url for url in urls)
    assert {url: status for url, status in answers.items() if status != 200} == {}


@together
@pytest.mark.parametrize(("address", "home"), [("inbox", "/inbox/"), ("news", "/news/de")])
async def test_an_address_as_it_is_typed_leads_home(running, address, home):
    base_url = running.runtime.settings.base_url
    assert running.inbox_url == f"{base_url}/inbox"
    async with visitor(running) as client:
        answer = await client.get(f"/{address}", follow_redirects=True)
    assert (answer.status_code, answer.url) == (200, base_url + home)


@together
async def test_a_newcomer_signs_up_and_finds_the_confirmation_and_the_welcome_in_the_inbox(running):
    stop = threading.Event()
    work = asyncio.create_task(asyncio.to_thread(_work, running.runtime, stop))
    try:
        async with visitor(running) as client:
            wish = {"email": "newcomer@example.org", "topics": ["raumfahrt"], "lang": "de"}
            assert (await client.post("/subscribe", json=wish)).status_code == 202
            confirmation = await arrival(running, 4)
            (link,) = set(re.findall(r"\S+/confirm/\S+", confirmation.text))
            assert (await client.get(link)).status_code == 200
            assert (await client.post(link)).status_code == 200
            welcome = await arrival(running, 5)
            assert welcome.recipient == "newcomer@example.org"
            assert welcome.subject in unescape((await client.get("/inbox/")).text)
    finally:
        stop.set()
        await work


@together
async def test_the_mails_are_signed_and_can_be_left_with_one_click(running):
    async with visitor(running) as client:
        for mail in map(running.mailbox.find, (1, 2, 3)):
            assert mail is not None
            assert "d=news.example" in mail.header("DKIM-Signature")
            assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
            address = mail.header("List-Unsubscribe").strip("<>")
            left = await client.post(address, data={"List-Unsubscribe": "One-Click"})
            assert left.status_code == 200


def test_once_leaves_the_mails_and_nothing_else(tmp_path):
    summary = run_demo(port=0, once=True, folder=tmp_path)
    assert summary.folder == str(tmp_path)
    assert summary.mails == 3
    assert sorted(path.name[5:] for path in tmp_path.iterdir()) == ["ann.eml", "ben.eml", "cleo.eml"]


def test_a_taken_port_is_one_clear_sentence():
    with bound(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} is taken.*--port"):
            run_demo(port=port, once=False)
