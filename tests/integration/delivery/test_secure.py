"""TLS is required where it is asked for, and a password never leaves in clear."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from digest.mail.transport import Link, Relay, RouteError, connect, pump
from digest.settings import Tls
from tests.integration.delivery.test_transport import QUICK, TICK, Desk, mail
from tests.support.certificate import make_certificate, server_context
from tests.support.smtp import EXTENSIONS, Act, Server, serve

OFFERING = (*EXTENSIONS, "STARTTLS", "AUTH PLAIN LOGIN")
RELAY = Relay(host="localhost", port=0, tls=Tls.STARTTLS, username="ann", password="open sesame")
SECRET = base64.b64encode(b"\0ann\0open sesame").decode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


def secure(certificate: tuple[Path, Path], **more: object) -> Server:
    return Server(extensions=OFFERING, tls=server_context(*certificate), **more)


async def dial(server: Server, relay: Relay) -> Link:
    return await connect(replace(relay, port=server.port), timeouts=QUICK, tick=TICK)


@pytest.mark.parametrize(("tls", "is_implicit"), [(Tls.STARTTLS, False), (Tls.IMPLICIT, True)])
@pytest.mark.parametrize("is_pipelined", [True, False])
async def test_mail_travels_over_tls_after_logging_in(
    certificate: tuple[Path, Path], tls: Tls, is_implicit: bool, is_pipelined: bool
) -> None:
    server = secure(certificate)
    server.extensions = OFFERING if is_pipelined else OFFERING[1:]
    async with serve(server, implicit_tls=is_implicit):
        link = await dial(server, replace(RELAY, tls=tls, ca_file=str(certificate[1])))
        assert link.is_pipelined is is_pipelined
        desk = Desk(
            [mail(number, data=b"x" * 998 + b"\r\n" + b"y" * 70_000 + b"\r\n") for number in (1, 2, 3)]
        )
        await pump(link, take=desk.take, start=desk.start, settle=desk.settle)
        await link.quit()
    assert set(server.copies().values()) == {1}
    heard = [line.split(" ")[0] for line in server.lines]
    expected = ["EHLO", "AUTH", "MAIL"] if is_implicit else ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]
    assert heard[: len(expected)] == expected
    assert f"AUTH PLAIN {SECRET}" in server.lines


@pytest.mark.parametrize(
    "answer", [None, "454 4.7.0 TLS not available", "554 5.7.0 No", Act.GARBAGE, Act.CLOSE]
)
async def test_without_tls_no_mail_and_no_password(
    certificate: tuple[Path, Path], answer: str | Act | None
) -> None:
    server = secure(certificate, script=lambda event: answer if event.verb == "STARTTLS" else None)
    if answer is None:
        server.extensions = (*EXTENSIONS, "AUTH PLAIN LOGIN")
    async with serve(server):
        with pytest.raises(RouteError):
            await dial(server, replace(RELAY, ca_file=str(certificate[1])))
    assert not [line for line in server.lines if line.startswith(("AUTH", "MAIL"))]


@pytest.mark.parametrize("is_implicit", [True, False])
@pytest.mark.parametrize(
    ("host", "trusts"), [("localhost", False), ("127.0.0.1", True)], ids=["unknown CA", "wrong name"]
)
async def test_a_certificate_that_proves_nothing_ends_the_attempt(
    certificate: tuple[Path, Path], is_implicit: bool, host: str, trusts: bool
) -> None:
    server = secure(certificate)
    tls = Tls.IMPLICIT if is_implicit else Tls.STARTTLS
    async with serve(server, implicit_tls=is_implicit):
        with pytest.raises(RouteError) as caught:
            await dial(
                server, replace(RELAY, host=host, tls=tls, ca_file=str(certificate[1]) if trusts else None)
            )
    assert (caught.value.step, caught.value.is_permanent) == ("tls", True)
    assert not [line for line in server.lines if line.startswith(("AUTH", "MAIL"))]


async def test_a_refused_password_is_tried_once_and_needs_a_person() -> None:
    refuse = lambda event: "535 5.7.8 Bad credentials" if event.verb == "AUTH" else None  # noqa: E731
    server = Server(extensions=(*EXTENSIONS, "AUTH PLAIN LOGIN"), script=refuse)
    async with serve(server):
        with pytest.raises(RouteError) as caught:
            await dial(server, replace(RELAY, host="127.0.0.1", tls=Tls.NONE))
    assert (caught.value.code, caught.value.is_permanent, server.verbs["AUTH"]) == (535, True, 1)


async def test_a_password_without_tls_stays_on_this_machine() -> None:
    with pytest.raises(RouteError, match="needs TLS"):
        await connect(replace(RELAY, host="relay.example.org", port=25, tls=Tls.NONE))


def test_a_relay_never_shows_its_password() -> None:
    assert "sesame" not in repr(RELAY)
