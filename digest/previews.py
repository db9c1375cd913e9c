"""A mail before anybody gets it: what a reader's next edition would be, as files or as one real mail, marked as a test.

Its links carry test tokens: every page they open says that nothing changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from digest.delivery.outbox import EditionLedger
from digest.delivery.post import relay_of
from digest.editions import compose
from digest.editions.draft import draft_edition
from digest.editions.releases import has_unmatched
from digest.mail.message import ListMail, Message, prepare
from digest.mail.message import compose as compose_message
from digest.mail.outcome import Outcome, Outgoing, Verdict
from digest.mail.slots import Markers, Slot
from digest.mail.transport import RouteError, connect, pump
from digest.matching.match import match_new
from digest.matching.registry import Registry
from digest.matching.storybook import Storybook
from digest.rendering import Report
from digest.rendering.cards import Fragment
from digest.runtime import Runtime
from subscribers.models import MailFormat, Subscriber
from subscribers.tokens import LIFETIMES, Purpose


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
            material = _with_all_articles(session, compose.load(session, [content_id]), content_id)
            who = person.public_id, recipient or person.address, person.confirmed_at or now
        finally:
            session.rollback()
    return _made(runtime, material, content_id, *who, now=now)


def _with_all_articles(session: Session, material: compose.Material, content_id: int) -> compose.Material:
    """The material with the articles that are left out, too: their titles stand in the reasons."""
    chosen = material.contents[content_id].selection
    out = {article for article, _ in chosen["folded"] + chosen["muted"]}
    out |= {*chosen["carried"], *chosen["expired"]} - material.articles.keys()
    return replace(material, articles={**material.articles, **compose.articles_of(session, out)})


def _made(
    runtime: Runtime,
    material: compose.Material,
    content_id: int,
    person: UUID,
    address: str,
    since: datetime,
    *,
    now: datetime,
) -> Preview:
    content = material.contents[content_id]
    markers = Markers.draw()
    context = compose.context(material, content_id, house=runtime.house, markers=markers)
    context["mail"]["is_test"] = True
    rendered = runtime.templates.mail(
        "edition",
        lang=content.language,
        context=context,
        stem=markers.stem,
        is_text_only=content.format is MailFormat.TEXT,
    )
    slots = _slots(runtime, person, now) | {
        Slot.ADDRESS: address,
        Slot.SINCE: runtime.templates.day(since.date(), lang=content.language),
    }
    envelope = runtime.envelopes.edition(
        delivery_id=0,
        slot_key=f"test\0{now.isoformat()}",
        local_date=content.local_date,
        subscriber=person,
        recipient=address,
    )
    links = runtime.links
    message = compose_message(
        prepare(rendered, prefixes=prefixes(runtime), needs=(Slot.UNSUBSCRIBE,)),
        letterhead=runtime.letterhead,
        envelope=envelope,
        dated_at=now,
        slots=slots,
        list_mail=ListMail(
            unsubscribe=links.unsubscribe(slots[Slot.UNSUBSCRIBE]), campaign=f"test:{content.cadence}:edition"
        ),
        signer=runtime.dkim,
    )
    return Preview(
        message=message,
        subject=rendered.subject,
        html=_filled(rendered.html, slots),
        text=_filled(rendered.text, slots),
        reasons=reasons(material, content_id),
        report=runtime.templates.inspect(rendered, context=context),
    )


def _stories(runtime: Runtime) -> Storybook:
    stories = Storybook(runtime.db)
    stories.catch_up()
    return stories


def prefixes(runtime: Runtime) -> dict[Slot, str]:
    """What must stand directly before each token, so that no template sends one elsewhere."""
    links = runtime.links
    return {
        Slot.UNSUBSCRIBE: links.unsubscribe(""),
        Slot.PREFERENCES: links.preferences(""),
        Slot.VIEW: links.view(""),
        Slot.MUTE: links.mute(""),
    }


def _slots(runtime: Runtime, person: UUID, now: datetime) -> dict[Slot, str]:
    purposes = {
        Slot.UNSUBSCRIBE: Purpose.UNSUBSCRIBE,
        Slot.PREFERENCES: Purpose.PREFERENCES,
        Slot.MUTE: Purpose.MUTE,
        Slot.VIEW: Purpose.VIEW,
    }
    return {slot: _test_token(runtime, purpose, person, now) for slot, purpose in purposes.items()}


def _test_token(runtime: Runtime, purpose: Purpose, person: UUID, now: datetime) -> str:
    life = LIFETIMES[purpose]
    return runtime.signer.sign(purpose, person, expires_at=now + life if life else None, is_test=True)


def _filled(fragments: Sequence[Fragment], slots: Mapping[Slot, str]) -> str:
    """A part with its slots filled, for looking at; what is sent never goes this way."""
    shown = ""
    for fragment in fragments:
        text = fragment.text
        for slot, value in slots.items() if fragment.stem else ():
            text = text.replace(fragment.stem + slot.value, value)
        shown += text
    return shown


def reasons(material: compose.Material, content_id: int) -> dict[str, Any]:
    """Of every article that matched: its place and why it is there, or why it is out."""
    content = material.contents[content_id]
    chosen = content.selection
    names = {topic: named.name for topic, named in material.topics.items()}
    out = [(article, f"the same story as article {head}") for article, head in chosen["folded"]]
    out += [(article, "no room: it comes again in the next mail") for article in chosen["carried"]]
    out += [(article, "no room, and it is not carried again") for article in chosen["expired"]]
    out += [(article, f"muted: {why}") for article, why in chosen["muted"]]
    return {
        "shown": [
            {
                "place": place,
                "article": item[0],
                "title": material.articles[item[0]].title,
                "topic": names.get(item[1], ""),
                "field": item[2],
                "term": item[3],
                "also": [names.get(topic, "") for topic in item[4]],
                "same_story": item[5],
                "carried": bool(item[6]),
            }
            for place, item in enumerate(chosen["shown"], start=1)
            if item[0] in material.articles
        ],
        "out": [
            {"article": article, "title": material.articles[article].title, "why": why}
            for article, why in out
            if article in material.articles
        ],
        "promos": [box["title"] for promo in content.promos if (box := material.promos.get(promo))],
    }


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
