"""Less of this: from an article in a mail to what its reader does not want to see, for a while or for good."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from digest.feeds.models import Article
from digest.matching.models import Match
from digest.web.errors import Reason, Refused
from digest.web.forms import read_fields
from digest.web.messages import Say
from digest.web.moments import day_words
from digest.web.pages import language_of, page, say
from digest.web.rehearsal import rehearsed
from digest.web.security import Held, Link
from digest.web.site import Site, site_of
from subscribers import mutes, register
from subscribers.models import MuteKind, Subscriber, SubscriberState, Subscription, Topic, TopicKind
from subscribers.mutes import MuteWish
from subscribers.tokens import Claims, Purpose

router = APIRouter()
MUTE = (Purpose.MUTE,)
SPANS = {"7": timedelta(days=7), "30": timedelta(days=30), "always": None}


@dataclass(frozen=True, slots=True)
class Matter:
    """The article a link is about, its reader, and the topic it came by."""

    article: Article
    person: Subscriber
    topic: Topic | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One button: what it mutes and for how long; `is_undo` takes it back."""

    what: str
    span: str
    is_undo: bool

    @property
    def back(self) -> str:
        """The button that takes this one back."""
        return f"undo:{self.what}:{self.span}"


CHOICES = {
    "less": {"always": Say.BUTTON_LESS},
    "story": {"30": Say.BUTTON_STORY},
    "source": {"7": Say.BUTTON_WEEK, "30": Say.BUTTON_MONTH, "always": Say.BUTTON_ALWAYS},
    "topic": {"7": Say.BUTTON_WEEK, "30": Say.BUTTON_MONTH, "always": Say.BUTTON_DROP},
}
LABELS = {
    "less": Say.LABEL_LESS,
    "story": Say.LABEL_STORY,
    "source": Say.LABEL_SOURCE,
    "topic": Say.LABEL_TOPIC,
}


@router.get("/m/{token}")
async def show_choices(request: Request, claims: Annotated[Claims, Depends(Link(MUTE))]) -> Response:
    """Show what can be muted about one article."""
    if claims.is_test:
        return rehearsed(request)
    site = site_of(request)
    matter = await site.read(lambda session: matter_of(session, claims, request.query_params.get("a", "")))
    lang = language_of(request, own=matter.person.locale)
    article = {"title": matter.article.title, "source": matter.article.source}
    return page(request, "mute", lang=lang, article=article, rows=_rows(site, matter, lang=lang))


@router.post("/m/{token}")
async def choose(request: Request, claims: Annotated[Claims, Depends(Held(MUTE))]) -> Response:
    """Mute it, or take that back, and say what holds now."""
    site, fields = site_of(request), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    choice = choice_of(fields.one("choice"))
    article_id = request.query_params.get("a", "")
    matter, until = await site.writer.write(
        lambda session: carry_out(site, session, claims, article_id, choice)
    )
    lang = language_of(request, own=matter.person.locale)
    return page(
        request,
        "muted",
        lang=lang,
        message=_outcome(site, matter, choice, until, lang=lang),
        undo=None if choice.is_undo or _is_drop(choice) else choice.back,
        dropped=_dropped(matter, choice),
        preferences_url=site.preferences(matter.person.public_id, matter.person.token_version),
    )


def choice_of(text: str) -> Choice:
    """Read a button's value; raises Refused for one that no page of ours has."""
    is_undo = text.startswith("undo:")
    what, _, span = text.removeprefix("undo:").partition(":")
    if span not in CHOICES.get(what, {}):
        raise Refused(422, Reason.INVALID)
    return Choice(what, span, is_undo)


def matter_of(session: Session, claims: Claims, article_id: str) -> Matter:
    """The article and its reader; raises Refused for an old link and for an article that is no longer kept."""
    person = register.by_public_id(session, claims.subject)
    if person is None or person.token_version != claims.version:
        raise Refused(410, Reason.EXPIRED_LINK)
    is_id = article_id.isascii() and article_id.isdecimal() and len(article_id) < 19
    article = session.get(Article, int(article_id)) if is_id else None
    if article is None or person.state is SubscriberState.UNSUBSCRIBED:
        raise Refused(410, Reason.GONE)
    return Matter(article, person, _home_topic(session, person, article))


def carry_out(
    site: Site, session: Session, claims: Claims, article_id: str, choice: Choice
) -> tuple[Matter, date | None]:
    """Write or take back one mute; the newest wish about the same thing counts."""
    matter = matter_of(session, claims, article_id)
    span = SPANS[choice.span]
    today = site.now().astimezone(ZoneInfo(matter.person.timezone)).date()
    until = today + span if span else None
    if choice.what == "topic":
        _on_topic(site, session, matter, choice, until)
    elif (wish := _wish(matter, choice, until)) is not None:
        if choice.is_undo:
            mutes.unmute(session, claims.subject, wish.kind, wish.value)
        else:
            mutes.mute(session, claims.subject, wish, now=site.now())
    return matter, until


def _on_topic(site: Site, session: Session, matter: Matter, choice: Choice, until: date | None) -> None:
    if matter.topic is None:
        return
    if choice.is_undo:
        mutes.mute_topic(session, matter.person.public_id, matter.topic.slug, until=None)
    elif until is None:
        mutes.drop_topic(session, matter.person.public_id, matter.topic.slug, now=site.now())
    else:
        mutes.mute_topic(session, matter.person.public_id, matter.topic.slug, until=until)


def _wish(matter: Matter, choice: Choice, until: date | None) -> MuteWish | None:
    """What a button mutes, as editions read it: a story's id, a source's name, a topic's id."""
    article, topic = matter.article, matter.topic
    values = {
        "story": (MuteKind.STORY, article.story_id, article.title),
        "source": (MuteKind.SOURCE, article.source, article.source),
        "less": (MuteKind.LESS, topic.id if topic else None, topic.name if topic else ""),
    }
    kind, value, label = values[choice.what]
    if value in {None, ""}:
        return None
    return MuteWish(kind=kind, value=str(value), label=label[:200], until=until)


def _home_topic(session: Session, person: Subscriber, article: Article) -> Topic | None:
    """The topic of this reader that fits the article best: the section it stood in."""
    rows = (
        select(Topic)
        .join(Match, col(Match.topic_id) == col(Topic.id))
        .join(Subscription, col(Subscription.topic_id) == col(Topic.id))
        .where(Match.article_id == article.id, Subscription.subscriber_id == person.id)
        .order_by(col(Match.score).desc(), col(Subscription.position), col(Topic.id))
    )
    return session.exec(rows).first()


def _rows(site: Site, matter: Matter, *, lang: str) -> list[dict[str, Any]]:
    names = {
        "less": matter.topic.name if matter.topic else None,
        "story": matter.article.title if matter.article.story_id is not None else None,
        "source": matter.article.source or None,
        "topic": matter.topic.name if matter.topic else None,
    }
    return [
        {
            "label": say(site, LABELS[what], lang=lang, what=name),
            "choices": [
                {"value": f"{what}:{span}", "text": say(site, words, lang=lang)}
                for span, words in CHOICES[what].items()
            ],
        }
        for what, name in names.items()
        if name is not None
    ]


def _outcome(site: Site, matter: Matter, choice: Choice, until: date | None, *, lang: str) -> str:
    what = matter.article.title if choice.what == "story" else matter.article.source
    if choice.what == "topic" and matter.topic is not None:
        what = matter.topic.name
    if choice.is_undo:
        return say(site, Say.UNMUTED, lang=lang)
    if choice.what == "less":
        return say(site, Say.LESS, lang=lang)
    if _is_drop(choice):
        return say(site, Say.DROPPED, lang=lang, what=what)
    if until is None:
        return say(site, Say.MUTED, lang=lang, what=what)
    return say(site, Say.MUTED_UNTIL, lang=lang, date=day_words(site, until, lang=lang), what=what)


def _dropped(matter: Matter, choice: Choice) -> dict[str, str] | None:
    """The topic that was dropped, as the preference centre takes it back: its own link may, this one may not."""
    topic = matter.topic
    if topic is None or not _is_drop(choice) or choice.is_undo:
        return None
    is_own = topic.kind is not TopicKind.CURATED
    return {"slug": "" if is_own else topic.slug, "query": topic.typed or topic.query if is_own else ""}


def _is_drop(choice: Choice) -> bool:
    return choice.what == "topic" and choice.span == "always"
