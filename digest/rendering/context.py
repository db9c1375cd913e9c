"""What a mail template may read: plain JSON, written down once, for those who make it and those who write templates.

Every value survives `json.loads(json.dumps(context))`. Dates are ISO 8601 with an offset; the filters show them in
`mail.timezone`. A caller gives a `MailContext`; `Templates.mail` adds the publisher (`site`, `brand`, `imprint`) and the
keys kind, lang, dir and subject of `mail`. A key is never missing: what does not apply is None (templates run with
StrictUndefined).

Slots: where a value differs from reader to reader, the context holds a *marker* (digest.mail.slots) in its place, inside a
URL made by `Links`: `links.unsubscribe(markers.unsubscribe)`, `links.mute(markers.mute, article=17)`.
"""

from typing import Any, Literal, TypedDict


class Site(TypedDict):
    """The publisher's service, as readers know it."""

    name: str
    url: str


class Brand(TypedDict):
    """How the publisher looks; no logo is None, and the name stands there as text."""

    logo_url: str | None
    logo_width: int | None
    logo_height: int | None
    accent: str
    accent_dark: str


class Imprint(TypedDict):
    """Who sends this, as the law wants it; `contact` holds lines such as an e-mail address, telephone, register."""

    name: str
    address: list[str]
    url: str
    privacy_url: str
    contact: list[str]


class Publisher(TypedDict):
    """What is the same in every mail and page; handed to `Templates` once."""

    site: Site
    brand: Brand
    imprint: Imprint


class Mail(TypedDict):
    """The mail itself; `timezone` (IANA) is the reader's, `sent_on` the local date of the edition or of today."""

    is_test: bool
    sent_on: str
    timezone: str


class SubscriberFacts(TypedDict):
    """Whom the footer names: two text slots, or real values in a system mail. `since` is a ready local date or None."""

    address: str
    since: str | None


class MailLinks(TypedDict):
    """Every address the shell links to; None where the kind has none.

    `pause` is the preferences with `#pause`. `confirm` belongs to confirmation and address_change; `manage` to manage.
    The public variant has only `archive` and `subscribe`.
    """

    unsubscribe: str | None
    preferences: str | None
    pause: str | None
    view: str | None
    archive: str | None
    subscribe: str | None
    confirm: str | None
    manage: str | None


class Schedule(TypedDict):
    """When a reader gets editions: cadence instant, daily, weekdays or weekly; weekday 0 is Monday; time "07:00"."""

    cadence: str
    weekday: int | None
    time: str | None


class EditionFacts(TypedDict):
    """The edition; None in headline, intro and preheader: the template finds the words itself."""

    headline: str | None
    intro: str | None
    preheader: str | None
    schedule: Schedule
    next_at: str | None
    article_count: int


class Image(TypedDict):
    """A picture over https; unknown sizes are None."""

    url: str
    width: int | None
    height: int | None


class Reason(TypedDict):
    """Why an article is here: field is title, category, lead, body, source, author, url, language or None, term the words found."""

    topic: str
    field: str | None
    term: str | None


class Link(TypedDict):
    """A link with its words."""

    name: str
    url: str


class SameStory(TypedDict):
    """Another source telling the same story."""

    source: str
    url: str


class Item(TypedDict):
    """One article. It must not depend on its place in the mail: a rendered item is kept and used again.

    title ≤ 200 characters, teaser ≤ 180; `mute_url` holds the mute marker, and the article's id behind it.
    """

    id: int
    title: str
    url: str | None
    teaser: str | None
    source: str
    author: str | None
    published: str | None
    minutes: int | None
    image: Image | None
    mute_url: str | None
    is_carried: bool
    reason: Reason | None
    also_topics: list[str]
    same_story: list[SameStory]
    searches: list[Link]


class Section(TypedDict):
    """A topic and its best articles; `anchor` is letters and digits, unique in the mail ("t12")."""

    anchor: str
    topic: str
    items: list[Item]
    more_count: int
    more_url: str | None


class PromoBox(TypedDict):
    """An advertisement; label is one of the closed set, place is "middle" or "end"."""

    label: str
    advertiser: str
    title: str
    text: str
    url: str
    image: Image | None
    place: Literal["middle", "end"]


class MailContext(TypedDict):
    """What every mail is made from; `subscriber` None is the public variant of an edition."""

    mail: Mail
    subscriber: SubscriberFacts | None
    links: MailLinks


class EditionContext(MailContext):
    """What an edition is made from."""

    edition: EditionFacts
    sections: list[Section]
    promos: list[PromoBox]


class SystemContext(MailContext):
    """What a system mail is made from: `data` is Delivery.data, untouched."""

    data: dict[str, Any]
