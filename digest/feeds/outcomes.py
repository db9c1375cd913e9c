"""How a fetch can end, and the one sentence that says so to a person, in English and German.

Every attempt ends in exactly one `Outcome`. What the machine does next is decided in `schedule`; here are only
the names, their families and their words.
"""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How one attempt to fetch a feed ended."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    BAD_STATUS = "bad_status"
    GONE = "gone"
    NOT_A_FEED = "not_a_feed"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    BAD_COMPRESSION = "bad_compression"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_REDIRECT = "bad_redirect"
    BLOCKED_URL = "blocked_url"
    BLOCKED_ADDRESS = "blocked_address"
    PARSER_TIMEOUT = "parser_timeout"
    PARSER_MEMORY = "parser_memory"
    INTERNAL = "internal"

    @property
    def is_ok(self) -> bool:
        """Whether the feed answered as a feed; anything else is an error of the feed's state machine."""
        return self in OK


OK: Final = frozenset({Outcome.CHANGED, Outcome.UNCHANGED, Outcome.EMPTY})
"""The outcomes that keep a feed healthy."""


class NotAFeed(StrEnum):
    """What stood there instead of a feed, as far as the bytes tell."""

    CHALLENGE = "challenge"
    LOGIN = "login"
    LINKED = "linked"
    PAGE = "page"
    OPML = "opml"
    SITEMAP = "sitemap"


_ENGLISH: Final[dict[str, str]] = {
    Outcome.CHANGED: "The feed was read and held something new.",
    Outcome.UNCHANGED: "The feed has not changed since the last look.",
    Outcome.EMPTY: "The feed answered, but lists no articles at the moment.",
    Outcome.THROTTLED: "The server asked us to come back later; all feeds of this host rest until then.",
    Outcome.UNAUTHORIZED: "The server wants a login or forbids access.",
    Outcome.NOT_FOUND: "There is nothing at this address.",
    Outcome.SERVER_ERROR: "The server reported an error of its own.",
    Outcome.BAD_STATUS: "The server gave an answer that has no meaning for a feed.",
    Outcome.GONE: "The server says that this feed is gone for good.",
    Outcome.NOT_A_FEED: "What stands at this address is not a feed.",
    Outcome.UNREADABLE: "The document looks like a feed but cannot be read.",
    Outcome.TOO_LARGE: "The document is larger than we accept.",
    Outcome.BAD_COMPRESSION: "The document is compressed in a way we do not accept.",
    Outcome.DNS: "The host name cannot be resolved.",
    Outcome.CONNECT: "No connection to the server could be made, or it broke.",
    Outcome.TLS: "The server's certificate or encryption was not accepted.",
    Outcome.TIMEOUT: "The server took too long to answer.",
    Outcome.TOO_MANY_REDIRECTS: "The address redirects too often or in a circle.",
    Outcome.BAD_REDIRECT: "The address redirects to somewhere we do not follow.",
    Outcome.BLOCKED_URL: "This address is not one we ask: its scheme, port or form is not allowed.",
    Outcome.BLOCKED_ADDRESS: "This host is not on the public internet, so it is not asked.",
    Outcome.PARSER_TIMEOUT: "Reading the document took too long, so it was stopped.",
    Outcome.PARSER_MEMORY: "Reading the document needed too much memory, so it was stopped.",
    Outcome.INTERNAL: "Something went wrong on our side; the log has the details.",
    NotAFeed.CHALLENGE: "The server answered with a bot check instead of the feed.",
    NotAFeed.LOGIN: "The server answered with a login page instead of the feed.",
    NotAFeed.LINKED: "This is a web page; it links to feeds, and one of those is meant.",
    NotAFeed.PAGE: "This is a web page, not a feed.",
    NotAFeed.OPML: "This is a list of feeds (OPML): import it instead.",
    NotAFeed.SITEMAP: "This is a sitemap, not a feed.",
    "": "Not asked yet.",
}

_GERMAN: Final[dict[str, str]] = {
    Outcome.CHANGED: "Der Feed wurde gelesen und enthielt Neues.",
    Outcome.UNCHANGED: "Der Feed ist seit dem letzten Mal unverändert.",
    Outcome.EMPTY: "Der Feed hat geantwortet, nennt aber zurzeit keine Artikel.",
    Outcome.THROTTLED: "Der Server bittet um Geduld; alle Feeds dieses Hosts ruhen so lange.",
    Outcome.UNAUTHORIZED: "Der Server verlangt eine Anmeldung oder verbietet den Zugriff.",
    Outcome.NOT_FOUND: "Unter dieser Adresse gibt es nichts.",
    Outcome.SERVER_ERROR: "Der Server meldet einen eigenen Fehler.",
    Outcome.BAD_STATUS: "Der Server hat etwas geantwortet, das für einen Feed keine Bedeutung hat.",
    Outcome.GONE: "Der Server sagt, dass es diesen Feed nicht mehr gibt.",
    Outcome.NOT_A_FEED: "Unter dieser Adresse steht kein Feed.",
    Outcome.UNREADABLE: "Das Dokument sieht aus wie ein Feed, lässt sich aber nicht lesen.",
    Outcome.TOO_LARGE: "Das Dokument ist größer, als wir annehmen.",
    Outcome.BAD_COMPRESSION: "Das Dokument ist auf eine Weise komprimiert, die wir nicht annehmen.",
    Outcome.DNS: "Der Hostname lässt sich nicht auflösen.",
    Outcome.CONNECT: "Es kam keine Verbindung zum Server zustande, oder sie brach ab.",
    Outcome.TLS: "Zertifikat oder Verschlüsselung des Servers wurden nicht akzeptiert.",
    Outcome.TIMEOUT: "Der Server hat zu lange für eine Antwort gebraucht.",
    Outcome.TOO_MANY_REDIRECTS: "Die Adresse leitet zu oft oder im Kreis weiter.",
    Outcome.BAD_REDIRECT: "Die Adresse leitet dorthin weiter, wohin wir nicht folgen.",
    Outcome.BLOCKED_URL: "Diese Adresse fragen wir nicht ab: Schema, Port oder Form sind nicht erlaubt.",
    Outcome.BLOCKED_ADDRESS: "Dieser Host liegt nicht im öffentlichen Internet und wird nicht abgefragt.",
    Outcome.PARSER_TIMEOUT: "Das Lesen des Dokuments dauerte zu lange und wurde abgebrochen.",
    Outcome.PARSER_MEMORY: "Das Lesen des Dokuments brauchte zu viel Speicher und wurde abgebrochen.",
    Outcome.INTERNAL: "Auf unserer Seite ist etwas schiefgegangen; Näheres steht im Protokoll.",
    NotAFeed.CHALLENGE: "Statt des Feeds kam eine Prüfung gegen Bots.",
    NotAFeed.LOGIN: "Statt des Feeds kam eine Anmeldeseite.",
    NotAFeed.LINKED: "Das ist eine Webseite; sie verweist auf Feeds, und einer davon ist gemeint.",
    NotAFeed.PAGE: "Das ist eine Webseite, kein Feed.",
    NotAFeed.OPML: "Das ist eine Liste von Feeds (OPML): bitte stattdessen importieren.",
    NotAFeed.SITEMAP: "Das ist eine Sitemap, kein Feed.",
    "": "Noch nicht abgefragt.",
}

_SENTENCES: Final = {"en": _ENGLISH, "de": _GERMAN}


def sentence(outcome: str, *, detail: str = "", lang: str = "en") -> str:
    """Say one outcome in a sentence; a known `detail` of `not_a_feed` gives the more exact one.

    `outcome` is a value of Outcome, or "" for a feed that was never asked. A language without sentences gets
    the English ones.
    """
    sentences = _SENTENCES.get(lang.partition("-")[0], _ENGLISH)
    if outcome == Outcome.NOT_A_FEED and detail and detail in sentences:
        return sentences[detail]
    return sentences[outcome]


_SIGNS: Final = (
    (NotAFeed.LINKED, (b"application/rss+xml", b"application/atom+xml", b"application/feed+json")),
    (NotAFeed.CHALLENGE, (b"cf-challenge", b"challenge-platform", b"captcha", b"just a moment...")),
    (NotAFeed.LOGIN, (b'type="password"', b"type='password'", b"type=password")),
)


def page_kind(page: bytes) -> NotAFeed:
    """Tell what kind of web page stands where a feed should, by a few words in its bytes."""
    text = page.lower()
    return next((kind for kind, signs in _SIGNS if any(sign in text for sign in signs)), NotAFeed.PAGE)
