"""How fast mails are made, beside Jinja + premailer + EmailMessage for every mail, in the same run.

    python -m benchmarks.compose --json

Times are CPU time of this process. `shared` is a content many readers get; `own` is a mail whose content nobody else has, made of
articles that others have too, all the way: from what the database told to bytes, looked over before it is sent.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.message import EmailMessage
from itertools import cycle
from random import Random
from statistics import median
from uuid import UUID

import dkim
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jinja2 import FileSystemLoader

from digest.editions.house import House
from digest.editions.material import ContentFacts, Material, Named, Told
from digest.editions.render import render_content
from digest.feeds.models import Trust
from digest.links import Links
from digest.mail.dkim import Key, Signer, new_key
from digest.mail.envelope import Envelopes
from digest.mail.message import Form, Letterhead, Message, Prepared, prepare
from digest.mail.parts import Shelf
from digest.mail.slots import TOKEN_SLOTS, Markers, Slot
from digest.rendering import Rendered, Templates, directories, inspect, samples
from digest.rendering.catalogues import read_catalogues
from digest.rendering.colours import palette
from digest.rendering.context import EditionContext, SubscriberFacts
from digest.rendering.inline import transform
from digest.rendering.mails import Mails
from digest.rendering.sandbox import MailEnvironment
from subscribers.models import Cadence, MailFormat, MailLength, TopicKind

BASE = samples.BASE
PREFIXES = {
    Slot.UNSUBSCRIBE: f"{BASE}/u/",
    Slot.PREFERENCES: f"{BASE}/p/",
    Slot.VIEW: f"{BASE}/v/",
    Slot.MUTE: f"{BASE}/m/",
}
SLOTS = dict.fromkeys(TOKEN_SLOTS, samples.TOKEN) | {
    Slot.ADDRESS: "ann@example.org",
    Slot.SINCE: "12. März 2026",
}
DATED_AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LETTERHEAD = Letterhead(
    name="Morgenblick", address="news@example.org", help_url=f"{BASE}/manage", archive_url=f"{BASE}/archive"
)
ENVELOPES = Envelopes(secret=b"s" * 32, sender="news@example.org", bounce="bounce@example.org")
HOUSE = House(links=Links(BASE), timezone="Europe/Berlin")
CATALOGUES = read_catalogues(directories(), default="de")


def mails() -> Mails:
    return Mails(directories(), publisher=samples.PUBLISHER, catalogues=CATALOGUES)


MARKERS = Markers.draw()


def content(items: int) -> EditionContext:
    """One content, markers in its slots."""
    tokens = samples.Tokens(
        unsubscribe=MARKERS.of(Slot.UNSUBSCRIBE),
        preferences=MARKERS.of(Slot.PREFERENCES),
        view=MARKERS.of(Slot.VIEW),
        mute=MARKERS.of(Slot.MUTE),
    )
    reader: SubscriberFacts = {"address": MARKERS.of(Slot.ADDRESS), "since": MARKERS.of(Slot.SINCE)}
    return samples.edition(items, tokens=tokens, subscriber=reader)


class Own:
    """Contents of which no two are equal, each for one reader, drawn from two hundred articles of 5 KB."""

    def __init__(self, items: int, *, contents: int = 200) -> None:
        draw = Random(items)
        articles = {number: _article(number) for number in range(1, 201)}
        facts = {number: _facts(number, draw.sample(sorted(articles), k=items)) for number in range(contents)}
        topics = {
            number: Named(f"Thema {number}", f"topic-{number}", TopicKind.CURATED) for number in range(6)
        }
        self._material = Material(facts, articles, topics)
        self._templates = Templates(directories(), publisher=samples.PUBLISHER, language="de")
        self._shelf = Shelf()
        self._next = cycle(facts)

    def mail(self) -> Message:
        """The next reader's mail."""
        rendered = render_content(self._templates, self._material, next(self._next), house=HOUSE)
        return fill(form_of(ready(rendered, self._shelf)))


def _facts(number: int, articles: list[int]) -> ContentFacts:
    shown = [
        [article, article % 6, "title", "Chip", [], [], False]
        for article in sorted(articles, key=lambda article: article % 6)
    ]
    return ContentFacts(
        number, "de", MailFormat.HTML, MailLength.LONG, {"shown": shown, "more": {}}, 12, Cadence.DAILY, "07:00",
        "Europe/Berlin", DATED_AT.date(), DATED_AT,
    )  # fmt: skip


def _article(number: int) -> Told:
    sentence = (
        "Ein Start-up aus Dresden zeigt einen <b>Baustein</b>, der analoge Speicherzellen zum Rechnen nutzt. "
    )
    return Told(
        number, f"https://articles.example/2026/11/22/{number}", f"Neuer Chip {number} rechnet Sprachmodelle mit wenig Strom",
        sentence * 2, f"<p>{sentence}</p>" * 48, f"https://pictures.example/{number}.jpg", 1200, 800, ["Cleo Beispiel"],
        "Technikjournal", DATED_AT, DATED_AT, Trust.OWN,
    )  # fmt: skip


def render(templates: Mails, context: EditionContext, *, has_cards: bool = True) -> Rendered:
    return templates.render(
        "edition", lang="de", context=context, stem=MARKERS.stem, is_text_only=False, has_cards=has_cards
    )


def ready(rendered: Rendered, shelf: Shelf | None = None) -> Prepared:
    return prepare(rendered, prefixes=PREFIXES, needs=[Slot.UNSUBSCRIBE], shelf=shelf)


def form_of(prepared: Prepared, signer: Signer | None = None) -> Form:
    return Form(prepared, letterhead=LETTERHEAD, campaign="e12:daily:edition", signer=signer)


def fill(form: Form, *, number: int = 7) -> Message:
    envelope = ENVELOPES.edition(
        delivery_id=number, slot_key="daily 07:00", local_date=date(2026, 11, 22), subscriber=UUID(int=number),
        recipient="ann@example.org",
    )  # fmt: skip
    return form.fill(envelope, dated_at=DATED_AT, slots=SLOTS, unsubscribe=f"{BASE}/u/{samples.TOKEN}")


def micros(act: Callable[[], object], *, times: int) -> float:
    """The median CPU time of `act` in microseconds, after one run to warm up."""
    act()
    spent = []
    for _ in range(times):
        start = time.process_time_ns()
        act()
        spent.append((time.process_time_ns() - start) / 1000)
    return round(median(spent), 1)


def figures(items: int) -> dict[str, float]:
    """All steps for an edition of that many articles."""
    templates, shelf, context = mails(), Shelf(), content(items)
    rendered = render(templates, context)
    whole = render(templates, context, has_cards=False)
    form = form_of(ready(rendered, shelf))
    others = Own(items)
    for _ in range(100):  # until every card is warm
        others.mail()
    own = micros(others.mail, times=400)
    return {
        "html_octets": len(rendered.html_text.encode()),
        "load_us": micros(lambda: _fresh().load("edition"), times=3),
        "render_us": micros(lambda: render(templates, context, has_cards=False), times=50),
        "render_with_cards_us": micros(lambda: render(templates, context), times=200),
        "inspect_us": micros(
            lambda: inspect(rendered, context=context, publisher=samples.PUBLISHER), times=50
        ),
        "prepare_us": micros(lambda: ready(whole), times=50),
        "prepare_with_shelf_us": micros(lambda: ready(rendered, shelf), times=200),
        "mail_shared_us": micros(lambda: fill(form), times=500),
        "mail_own_us": own,
        "mails_own_per_s": round(1e6 / own),
    }


def _fresh() -> Mails:
    transform.cache_clear()
    return mails()


def signing() -> dict[str, float]:
    """Both algorithms, beside dkimpy, for an edition of 8 articles."""
    rsa, _ = new_key(selector="rsa")
    ed25519, _ = new_key(selector="ed", algorithm="ed25519-sha256")
    prepared = ready(render(mails(), content(8)))
    unsigned, one, two = (form_of(prepared, signer) for signer in (None, _signer(rsa), _signer(rsa, ed25519)))
    plain = micros(lambda: fill(unsigned), times=200)
    peer_pem = rsa.private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    data = fill(unsigned).data
    ours = micros(lambda: fill(one), times=100) - plain
    peer = micros(lambda: dkim.sign(data, b"rsa", b"example.org", peer_pem), times=10)
    return {
        "dkim_rsa_us": ours,
        "dkim_both_us": micros(lambda: fill(two), times=100) - plain,
        "dkimpy_rsa_us": peer,
        "dkim_gain_ratio": round(peer / ours, 1),
    }


def _signer(*keys: Key) -> Signer:
    return Signer(domain="example.org", keys=keys, sender="news@example.org")


def peers(items: int) -> dict[str, float]:
    """What the usual way costs: a plain render, premailer and EmailMessage for every mail."""
    environment = MailEnvironment(is_html=True)
    environment.loader = FileSystemLoader(directories()[0] / "email")
    template = environment.get_template("edition.html.j2")
    context = samples.edition(items)
    values = mails().values("edition", language=CATALOGUES.language("de"), context=context)
    values["mail"]["subject"] = "x"
    values["colours"] = palette(samples.PUBLISHER["brand"])
    html = template.render(values)
    text = render(mails(), context).plain_text

    def inline() -> str:
        transform.cache_clear()
        return transform(html)

    def message() -> bytes:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = (
            "news@example.org",
            "ann@example.org",
            "Neuer Chip – und mehr",
        )
        mail["List-Unsubscribe"] = f"<{BASE}/u/{samples.TOKEN}>"
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        return mail.as_bytes()

    return {
        "peer_render_us": micros(lambda: template.render(values), times=30),
        "peer_premailer_us": micros(inline, times=5),
        "peer_email_message_us": micros(message, times=10),
    }


def report() -> dict[str, float]:
    """Every figure as a flat object."""
    result: dict[str, float] = {}
    for items in (8, 24):
        ours, usual = figures(items), peers(items)
        both = {**ours, **usual}
        both["premailer_gain_ratio"] = round(usual["peer_premailer_us"] / ours["render_us"], 1)
        both["email_message_gain_ratio"] = round(usual["peer_email_message_us"] / ours["mail_shared_us"], 1)
        both["peer_mails_per_s"] = round(1e6 / sum(usual.values()))
        result |= {f"{name.replace('_us', f'_{items}_us').replace('_per_s', f'_{items}_per_s')}"
                   if name.endswith(("_us", "_per_s")) else f"{name}_{items}": value for name, value in both.items()}  # fmt: skip
    return result | signing()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="one JSON document on stdout")
    is_json = arguments.parse_args().json
    found = {name: round(value, 1) for name, value in report().items()}
    if is_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:34}{value:>12,.1f}")


if __name__ == "__main__":
    main()
