"""Complete mails made by the real thing: templates, slots, headers, signatures. What Ann's mail program would be handed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from uuid import UUID

from digest.mail.dkim import Key, Signer, new_key
from digest.mail.envelope import Envelopes
from digest.mail.message import Letterhead, ListMail, Message, Prepared, compose, prepare
from digest.mail.parts import Shelf
from digest.mail.slots import TOKEN_SLOTS, Markers, Slot
from digest.rendering import KINDS, Rendered, Templates, directories, samples
from digest.rendering.catalogues import Catalogues, read_catalogues
from digest.rendering.mails import Mails
from tests.support import goldens as real

BASE = samples.BASE
DATED_AT = datetime(2026, 11, 22, 6, 0, 3, tzinfo=UTC)
ADDRESS = "ann@example.org"
TOKEN = samples.TOKEN
SLOTS = dict.fromkeys(TOKEN_SLOTS, TOKEN) | {Slot.ADDRESS: ADDRESS, Slot.SINCE: "12. März 2026"}
PREFIXES = {
    Slot.UNSUBSCRIBE: f"{BASE}/u/",
    Slot.PREFERENCES: f"{BASE}/p/",
    Slot.VIEW: f"{BASE}/v/",
    Slot.MUTE: f"{BASE}/m/",
}
LETTERHEAD = Letterhead(
    name="Morgenblick",
    address="news@example.org",
    list_name="Morgenblick",
    help_url=f"{BASE}/manage",
    archive_url=f"{BASE}/archive",
)
ENVELOPES = Envelopes(
    secret=b"s" * 32, sender="news@example.org", bounce="bounce@example.org", unsubscribe="leave@example.org"
)
LIST_MAIL = ListMail(unsubscribe=f"{BASE}/u/{TOKEN}", campaign="e12:daily:edition")


@cache
def templates() -> Templates:
    """The shipped templates, loaded once for all tests."""
    return Templates(directories(), publisher=samples.PUBLISHER, language="de")


@cache
def catalogues() -> Catalogues:
    """The shipped languages."""
    return read_catalogues(directories(), default="de")


@cache
def mails() -> Mails:
    """The shipped mail templates by themselves, one storey below `templates`."""
    return Mails(directories(), publisher=samples.PUBLISHER, catalogues=catalogues())


@cache
def keys() -> tuple[Key, Key]:
    """An RSA and an Ed25519 key."""
    return new_key(selector="rsa")[0], new_key(selector="ed", algorithm="ed25519-sha256")[0]


@cache
def signer() -> Signer:
    """Signs with both keys."""
    return Signer(domain="example.org", keys=keys(), sender="news@example.org")


def public_keys(name: bytes, timeout: int = 5) -> bytes:
    """The DNS of example.org, as dkimpy asks it."""
    records = {f"{key.selector}._domainkey.example.org.".encode(): key.record.encode() for key in keys()}
    return records.get(name, b"")


def rendered_edition(
    items: int = 8, *, lang: str = "de", is_text_only: bool = False, promos: int = 2
) -> Rendered:
    """An edition of whole articles, with markers in its slots."""
    markers = Markers.draw()
    tokens = {slot.name.lower(): markers.of(slot) for slot in TOKEN_SLOTS}
    context = real.edition(
        items,
        lang=lang,
        promos=promos,
        tokens=samples.Tokens(**tokens),
        subscriber={"address": markers.of(Slot.ADDRESS), "since": markers.of(Slot.SINCE)},
    )
    return templates().mail(
        "edition", lang=lang, context=context, stem=markers.stem, is_text_only=is_text_only
    )


def prepared_edition(
    items: int = 8, *, lang: str = "de", shelf: Shelf | None = None, is_text_only: bool = False
) -> Prepared:
    """An edition as bytes with holes."""
    rendered = rendered_edition(items, lang=lang, is_text_only=is_text_only)
    return prepare(rendered, prefixes=PREFIXES, needs=[Slot.UNSUBSCRIBE], shelf=shelf)


def edition_mail(
    items: int = 8,
    *,
    lang: str = "de",
    is_signed: bool = True,
    delivery_id: int = 7,
    dated_at: datetime = DATED_AT,
) -> Message:
    """An edition for Ann."""
    envelope = ENVELOPES.edition(
        delivery_id=delivery_id,
        slot_key="daily 07:00 Europe/Berlin 2026-11-22",
        local_date=date(2026, 11, 22),
        subscriber=UUID(int=1),
        recipient=ADDRESS,
    )
    return compose(
        prepared_edition(items, lang=lang),
        letterhead=LETTERHEAD,
        envelope=envelope,
        dated_at=dated_at,
        slots=SLOTS | {Slot.SINCE: templates().day(date(2026, 3, 12), lang=lang)},
        list_mail=LIST_MAIL,
        signer=signer() if is_signed else None,
    )


def system_mail(
    kind: str, *, lang: str = "de", is_signed: bool = True, dated_at: datetime = DATED_AT
) -> Message:
    """A system mail for Ann, its tokens in place."""
    rendered = templates().mail(kind, lang=lang, context=samples.system(kind))
    return compose(
        prepare(rendered, prefixes={}),
        letterhead=LETTERHEAD,
        envelope=ENVELOPES.system(delivery_id=7, kind=kind, recipient=ADDRESS),
        dated_at=dated_at,
        slots={},
        list_mail=LIST_MAIL if kind == "welcome" else None,
        signer=signer() if is_signed else None,
    )


def goldens(*, is_signed: bool = True, dated_at: datetime = DATED_AT) -> Iterator[tuple[str, Message]]:
    """Every mail there is, in both languages, by name: `edition-8.de`, `confirmation.en` …"""
    for lang in ("de", "en"):
        for items in real.SIZES:
            mail = edition_mail(items, lang=lang, is_signed=is_signed, dated_at=dated_at)
            yield f"edition-{items}.{lang}", mail
        for kind in KINDS[1:]:
            yield f"{kind}.{lang}", system_mail(kind, lang=lang, is_signed=is_signed, dated_at=dated_at)
