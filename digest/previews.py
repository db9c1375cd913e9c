"""A mail before anybody gets it: what a reader's next edition would be, as files or as one real mail, marked as a test.

Its links carry test tokens: every page they open says that nothing changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session

from digest.delivery.history import shown_lately
from digest.delivery.outbox import EditionLedger
from digest.delivery.post import relay_of
from digest.delivery.press import Addressee, Press
from digest.editions.draft import draft_edition
from digest.editions.material import Material, read_material
from digest.editions.reasons import reasons
from digest.editions.releases import has_unmatched
from digest.editions.render import draw
from digest.mail.message import Message
from digest.mail.outcome import Outcome, Outgoing, Verdict
from digest.mail.slots import Slot
from digest.mail.transport import RouteError, connect, pump
from digest.matching.match import match_new
from digest.matching.registry import Registry
from digest.matching.storybook import Storybook
from digest.rendering import Report
from digest.rendering.cards import Fragment
from digest.runtime import Runtime
from subscribers.models import Subscriber

LATELY: Final = timedelta(days=7)
"""How far back the reasons of a preview tell what was sent before."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A finished test mail with what it was made of; `html` and `text` are shown with its real links."""

    message: Message
    subject: str
    html: str
    text: str
    reasons: dict[str, Any]
    report: Report
    """What would hold it back, and what could be better."""

    @property
    def headers(self) -> list[str]:
        """The names of the header fields, in order."""
        block = self.message.data.partition(b"\r\n\r\n")[0].decode()
        return [line.partition(":")[0] for line in block.split("\r\n") if line[:1] not in {" ", "\t"}]

    @property
    def sizes(self) -> dict[str, int]:
        """Octets of the parts as readers get them, and of the whole mail."""
        return {
            "html": len(self.html.encode()),
            "text": len(self.text.encode()),
            "mail": len(self.message.data),
        }

    @property
    def links(self) -> list[str]:
        """Every page the mail leads to, each once, in the order of the text part."""
        return list(dict.fromkeys(line for line in self.text.splitlines() if line.startswith("http")))


def preview(runtime: Runtime, reader: Callable[[Session], Subscriber], *, recipient: str = "") -> Preview:
    """The next edition of a reader, made in a transaction that is taken back. Raises NothingNewError, MailError.

    What waits is matched first, as it would be before the edition; that is kept.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        is_unmatched = has_unmatched(session)
    if is_unmatched:
        match_new(runtime.db, Registry(), now=now, stories=_stories(runtime))
    with runtime.db.write() as session:
        try:
            person = reader(session)
            content_id = draft_edition(session, person, ledger=EditionLedger(), now=now)
            session.flush()
            material = read_material(session, [content_id])
            lately = shown_lately(session, person.id, since=(now - LATELY).date())
            told = reasons(session, material, content_id, reader_id=person.id, lately=lately)
            test = Addressee(
                0, person.public_id, recipient or person.address, person.token_version, person.confirmed_at
            )
        finally:
            session.rollback()
    return _made(runtime, material, content_id, test, told, now=now)


def _made(
    runtime: Runtime,
    material: Material,
    content_id: int,
    reader: Addressee,
    told: dict[str, Any],
    *,
    now: datetime,
) -> Preview:
    """The mail as a worker would make it, with links that change nothing."""
    rendered, context = draw(runtime.templates, material, content_id, house=runtime.house, is_test=True)
    press = Press(runtime, is_test=True)
    ready = press.ready(rendered, material.contents[content_id], reader.person)
    slots = press.values(reader, ready, dated_at=now)
    return Preview(
        message=press.mail(reader, ready, dated_at=now),
        subject=rendered.subject,
        html=_filled(rendered.html, slots),
        text=_filled(rendered.text, slots),
        reasons=told,
        report=runtime.templates.inspect(rendered, context=context),
    )


def _stories(runtime: Runtime) -> Storybook:
    stories = Storybook(runtime.db)
    stories.catch_up()
    return stories


def _filled(fragments: Sequence[Fragment], slots: Mapping[Slot, str]) -> str:
    """A part with its slots filled, for looking at; what is sent never goes this way."""
    shown = ""
    for fragment in fragments:
        text = fragment.text
        for slot, value in slots.items() if fragment.stem else ():
            text = text.replace(fragment.stem + slot.value, value)
        shown += text
    return shown


async def send(runtime: Runtime, message: Message) -> str:
    """Send one mail over a connection of its own; the server's answer. Raises RouteError if it was not taken."""
    waiting = [Outgoing(0, message.sender, message.recipient, message.data)]
    ended: list[Outcome] = []
    link = await connect(relay_of(runtime.settings))

    async def start(_mail: Outgoing) -> bool:
        return True

    await pump(
        link,
        take=lambda: waiting.pop() if waiting else None,
        start=start,
        settle=lambda _mail, outcome: ended.append(outcome),
    )
    await link.quit()
    (outcome,) = ended
    if outcome.verdict is not Verdict.ACCEPTED:
        raise RouteError(outcome.phase.value, code=outcome.code, text=outcome.text)
    return f"{outcome.code} {outcome.text}"
