"""The dialogue with the relay: both ways of speaking it end every mail with the same outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from digest.mail.outcome import Outcome, Outgoing, Phase, Verdict
from digest.mail.transport import Link, LinkGoneError, Relay, RouteError, Timeouts, connect, pump
from digest.settings import Tls
from tests.support.smtp import EXTENSIONS, Act, Event, Server, serve

QUICK = Timeouts(
    connect=timedelta(seconds=0.5),
    secure=timedelta(seconds=0.5),
    command=timedelta(seconds=0.3),
    dot=timedelta(seconds=0.3),
    quit=timedelta(seconds=0.3),
)
TICK = timedelta(seconds=0.05)
BOTH = pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS[1:]], ids=["pipelined", "stock"])


def mail(number: int, *, data: bytes = b"", recipient: str = "") -> Outgoing:
    content = data or b"Message-ID: <m%d@example.org>\r\n\r\nHello %d\r\n" % (number, number)
    return Outgoing(number, "news@example.org", recipient or f"r{number}@example.org", content)


@dataclass
class Desk:
    """Gives mails out and writes down what became of them."""

    mails: list[Outgoing]
    is_allowed: Callable[[Outgoing], bool] = lambda mail: True
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def take(self) -> Outgoing | None:
        return self.mails.pop(0) if self.mails else None

    async def start(self, out: Outgoing) -> bool:
        self.events.append(f"start {out.delivery_id}")
        return self.is_allowed(out)

    def settle(self, out: Outgoing, outcome: Outcome) -> None:
        assert out.delivery_id not in self.outcomes, "settled twice"
        self.events.append(f"settle {out.delivery_id}")
        self.outcomes[out.delivery_id] = outcome

    def verdicts(self) -> list[Verdict]:
        return [self.outcomes[number].verdict for number in sorted(self.outcomes)]


async def link_to(server: Server, **more: object) -> Link:
    return await connect(
        Relay(host="127.0.0.1", port=server.port, tls=Tls.NONE), timeouts=QUICK, tick=TICK, **more
    )


async def send(server: Server, desk: Desk, *, links: int = 5) -> Desk:
    """Send all, opening a new link whenever one ended, at most `links`."""
    for _ in range(links):
        link = await link_to(server)
        try:
            await pump(link, take=desk.take, start=desk.start, settle=desk.settle)
        except LinkGoneError:
            if not desk.mails:
                break
        else:
            await link.quit()
            break
    return desk


def at(
    verb: str, answer: str | Act, *, recipient: str = "r2@example.org"
) -> Callable[[Event], str | Act | None]:
    return lambda event: answer if (event.verb, event.recipient) == (verb, recipient) else None


@BOTH
async def test_every_mail_arrives_once_with_its_own_bytes(extensions: tuple[str, ...]) -> None:
    async with serve(Server(extensions=extensions)) as server:
        mails = [mail(number) for number in range(1, 6)]
        desk = await send(server, Desk(list(mails)))
    assert desk.verdicts() == [Verdict.ACCEPTED] * 5
    assert [(a.recipient, server.bodies[a.recipient]) for a in server.accepted] == [
        (m.recipient, m.data + b".\r\n") for m in mails
    ]
    assert desk.outcomes[1] == Outcome(Verdict.ACCEPTED, Phase.DOT, 250, "2.0.0", "2.0.0 Ok: queued as 7F2A")


@BOTH
async def test_a_mail_is_started_only_after_the_one_before_it_was_settled(
    extensions: tuple[str, ...],
) -> None:
    async with serve(Server(extensions=extensions)) as server:
        desk = await send(server, Desk([mail(1), mail(2), mail(3)]))
    assert desk.events == ["start 1", "settle 1", "start 2", "settle 2", "start 3", "settle 3"]


async def test_a_pipelined_group_ends_with_data_and_needs_one_round_trip_a_mail() -> None:
    groups: list[int] = []
    async with serve(Server()) as server:
        await send(server, Desk([mail(1), mail(2)]))
        groups = [server.verbs[verb] for verb in ("MAIL", "RCPT", "DATA", "DOT", "RSET")]
        assert (
            " ".join(line.split(" ")[0] for line in server.lines) == "EHLO MAIL RCPT DATA MAIL RCPT DATA QUIT"
        )
    assert groups == [2, 2, 2, 2, 0]


@BOTH
@pytest.mark.parametrize(
    ("verb", "answer", "expected"),
    [
        ("RCPT", "550 5.1.1 No such user", (Verdict.REFUSED, Phase.RCPT, 550, "5.1.1")),
        ("RCPT", "450 4.2.0 Greylisted", (Verdict.DEFERRED, Phase.RCPT, 450, "4.2.0")),
        ("DATA", "451 4.3.0 Later", (Verdict.DEFERRED, Phase.DATA, 451, "4.3.0")),
        ("DOT", "554 5.7.1 Policy", (Verdict.REFUSED, Phase.DOT, 554, "5.7.1")),
        ("DOT", "452 4.3.1 Full", (Verdict.DEFERRED, Phase.DOT, 452, "4.3.1")),
        ("DOT", "421 4.3.2 Closing", (Verdict.DEFERRED, Phase.DOT, 421, "4.3.2")),
        ("RCPT", "421 4.7.0 Slow down", (Verdict.DEFERRED, Phase.RCPT, 421, "4.7.0")),
    ],
)
async def test_an_answer_is_this_mails_alone(
    extensions: tuple[str, ...], verb: str, answer: str, expected: tuple[Verdict, Phase, int, str]
) -> None:
    async with serve(Server(extensions=extensions, script=at(verb, answer))) as server:
        desk = await send(server, Desk([mail(1), mail(2), mail(3)]))
    two = desk.outcomes[2]
    assert (two.verdict, two.phase, two.code, two.enhanced) == expected
    later = desk.outcomes[3].verdict
    assert later is Verdict.ACCEPTED or (answer.startswith("421") and later is Verdict.UNTOUCHED)
    assert server.copies()["r2@example.org"] == 0
    assert desk.outcomes[1].verdict is Verdict.ACCEPTED


@BOTH
@pytest.mark.parametrize(
    ("verb", "act", "verdict"),
    [
        ("MAIL", Act.CLOSE, Verdict.UNTOUCHED),
        ("RCPT", Act.CLOSE, Verdict.UNTOUCHED),
        ("RCPT", Act.SILENCE, Verdict.UNTOUCHED),
        ("RCPT", Act.GARBAGE, Verdict.UNTOUCHED),
        ("DOT", Act.CLOSE, Verdict.LOST),
        ("DOT", Act.ACCEPT_AND_CLOSE, Verdict.LOST),
        ("DOT", Act.ACCEPT_IN_SILENCE, Verdict.LOST),
        ("DOT", Act.GARBAGE, Verdict.LOST),
    ],
)
async def test_a_lost_link_is_lost_past_the_dot_and_untouched_before(
    extensions: tuple[str, ...], verb: str, act: Act, verdict: Verdict
) -> None:
    def script(event: Event) -> str | Act | None:
        return act if event.verb == verb and event.on_connection == 1 else None

    async with serve(Server(extensions=extensions, script=script)) as server:
        desk = await send(server, Desk([mail(1), mail(2)]), links=1)
    assert desk.verdicts() == [Verdict.ACCEPTED, verdict]


async def test_a_refused_recipient_answered_with_354_gets_a_lone_dot_that_reaches_nobody() -> None:
    def script(event: Event) -> str | Act | None:
        if event.recipient == "r1@example.org" and event.verb == "RCPT":
            return "550 5.1.1 No such user"
        return "354 go ahead anyway" if event.verb == "DATA" and event.count == 0 else None

    async with serve(Server(script=script)) as server:
        desk = await send(server, Desk([mail(1), mail(2)]))
    assert desk.verdicts() == [Verdict.REFUSED, Verdict.ACCEPTED]
    assert [(a.recipient, len(server.bodies[a.recipient]) > 3) for a in server.accepted] == [
        ("", False),
        ("r2@example.org", True),
    ]
    assert server.verbs["RSET"] == 1


@BOTH
async def test_a_dot_that_is_not_allowed_is_never_written_and_the_link_closes(
    extensions: tuple[str, ...],
) -> None:
    async with serve(Server(extensions=extensions)) as server:
        desk = await send(
            server, Desk([mail(1), mail(2), mail(3)], is_allowed=lambda out: out.delivery_id != 2)
        )
    assert desk.outcomes[2] == Outcome(Verdict.UNTOUCHED, Phase.GATE)
    assert server.copies()["r2@example.org"] == 0
    assert "" not in server.copies(), "a lone dot was sent"


@BOTH
async def test_a_refused_sender_is_the_routes_fault(extensions: tuple[str, ...]) -> None:
    script = lambda event: "550 5.7.1 Not you" if event.verb == "MAIL" else None  # noqa: E731
    async with serve(Server(extensions=extensions, script=script)) as server:
        desk = await send(server, Desk([mail(1)]), links=1)
    assert desk.outcomes[1] == Outcome(Verdict.UNTOUCHED, Phase.MAIL, 550, "5.7.1", "5.7.1 Not you")


async def test_an_answer_while_the_content_runs_ends_the_mail_before_its_dot() -> None:
    async with serve(Server(script=at("CONTENT", "552 5.3.4 Too big"))) as server:
        link = await link_to(server)
        desk = Desk([mail(2)])

        async def slow_start(out: Outgoing) -> bool:
            while not link._sender._wire.has_reply:  # type: ignore[union-attr]
                await __import__("asyncio").sleep(0.01)
            return True

        with pytest.raises(LinkGoneError):
            await pump(link, take=desk.take, start=slow_start, settle=desk.settle)
    assert desk.outcomes[2] == Outcome(Verdict.REFUSED, Phase.CONTENT, 552, "5.3.4", "5.3.4 Too big")
    assert server.accepted == []


async def test_a_server_that_stops_reading_never_gets_the_dot() -> None:
    async with serve(Server(script=at("CONTENT", Act.STOP_READING))) as server:
        big = mail(2, data=b"x" * 70 + b"\r\n" + b"y" * 8_000_000 + b"\r\n")
        desk = await send(server, Desk([big]), links=1)
    assert desk.outcomes[2].verdict is Verdict.UNTOUCHED
    assert desk.outcomes[2].phase is Phase.CONTENT


@BOTH
async def test_answers_may_come_byte_by_byte(extensions: tuple[str, ...]) -> None:
    async with serve(Server(extensions=extensions, is_dripping=True)) as server:
        desk = await send(server, Desk([mail(1), mail(2)]))
    assert desk.verdicts() == [Verdict.ACCEPTED] * 2


@BOTH
async def test_a_mail_over_the_offered_size_or_with_an_unsendable_address_is_not_tried(
    extensions: tuple[str, ...],
) -> None:
    sized = tuple("SIZE 1000" if text.startswith("SIZE") else text for text in extensions)
    async with serve(Server(extensions=sized)) as server:
        bad = [
            mail(1, data=b"x" * 998 + b"\r\n" + b"\r\n"),
            mail(2, recipient="müller@example.org"),
            mail(3, recipient="a b@example.org"),
            mail(4, recipient="a@example.org>\r\nRCPT TO:<b@example.org"),
            mail(5, data=b"one\r\ntwo"),
            mail(6),
        ]
        desk = await send(server, Desk(bad))
    assert desk.verdicts() == [Verdict.REFUSED] * 5 + [Verdict.ACCEPTED]
    assert (desk.outcomes[1].code, desk.outcomes[2].text) == (552, "address")
    assert server.verbs["MAIL"] == 1


@BOTH
async def test_dsn_parameters_are_sent_where_offered(extensions: tuple[str, ...]) -> None:
    async with serve(Server(extensions=(*extensions, "DSN"))) as server:
        await send(server, Desk([mail(7, recipient="a+b@example.org")]))
    assert "MAIL FROM:<news@example.org> SIZE=41 RET=HDRS ENVID=d7" in server.lines
    assert "RCPT TO:<a+b@example.org> ORCPT=rfc822;a+2Bb@example.org" in server.lines


@BOTH
async def test_a_link_takes_no_more_mails_than_its_life_allows(extensions: tuple[str, ...]) -> None:
    async with serve(Server(extensions=extensions)) as server:
        desk = Desk([mail(1), mail(2), mail(3)])
        link = await link_to(server, mails=2)
        await pump(link, take=desk.take, start=desk.start, settle=desk.settle)
        await link.quit()
    assert desk.verdicts() == [Verdict.ACCEPTED] * 2
    assert len(desk.mails) == 1


async def test_a_link_can_be_used_again_after_it_ran_out_of_work() -> None:
    def script(event: Event) -> str | Act | None:
        if event.verb == "RCPT" and event.count == 0:
            return "550 5.1.1 No such user"
        return "354 go on" if event.verb == "DATA" and event.count == 0 else None

    async with serve(Server(script=script)) as server:
        desk = Desk([mail(1)])
        link = await link_to(server)
        await pump(link, take=desk.take, start=desk.start, settle=desk.settle)
        desk.mails = [mail(2)]
        await pump(link, take=desk.take, start=desk.start, settle=desk.settle)
        await link.quit()
    assert desk.verdicts() == [Verdict.REFUSED, Verdict.ACCEPTED]


@pytest.mark.parametrize(
    "banner", ["421 4.3.2 Too busy", "554 5.7.1 Go away", Act.CLOSE, Act.GARBAGE, Act.SILENCE]
)
async def test_a_banner_that_does_not_welcome_is_a_route_error(banner: str | Act) -> None:
    async with serve(Server(script=lambda event: banner if event.verb == "BANNER" else None)) as server:
        with pytest.raises(RouteError) as caught:
            await link_to(server)
    assert caught.value.step == "connect"


async def test_nobody_listening_is_a_route_error() -> None:
    async with serve() as server:
        pass
    with pytest.raises(RouteError):
        await link_to(server)
