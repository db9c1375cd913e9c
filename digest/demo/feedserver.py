"""The sample publisher's web site: feeds with validators, articles, pictures, served over real HTTP on loopback."""

from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from digest.demo.formats import CONTENT_TYPES, feed_bytes
from digest.demo.pages import HEADERS, Html, asset, join, page
from digest.demo.samples import NAMES, Place, SampleArticle, SampleFeed, image_bytes, sample_feed
from digest.demo.words import NEWS
from digest.links import Links

PREFIX: Final = "/news"
"""Where the site is mounted."""


@dataclass(frozen=True, slots=True)
class Site:
    """The pages of the publisher at one place; `links` leads to the reader's own pages."""

    place: Place
    links: Links

    async def feed(self, request: Request) -> Response:
        """Serve a feed; 304 when the visitor has this very document."""
        feed = _known(request.path_params["name"])
        body = feed_bytes(feed.name, base_url=self.place.base_url, now=self.place.now)
        changed = self.place.published_at(feed.articles[0])
        validators = {
            "ETag": f'"{sha256(body).hexdigest()[:20]}"',
            "Last-Modified": format_datetime(changed, usegmt=True),
            "Cache-Control": "max-age=60",
        }
        if _has(request, validators):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=validators)
        return Response(body, media_type=CONTENT_TYPES[feed.format], headers=validators)

    async def image(self, request: Request) -> Response:
        """Serve a picture."""
        try:
            png = image_bytes(request.path_params["name"])
        except KeyError:
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        return Response(png, media_type="image/png", headers={"Cache-Control": "max-age=3600"})

    async def style(self, request: Request) -> Response:  # noqa: ARG002 - Starlette hands it in
        """Serve the style sheet."""
        return Response(asset("news.css"), media_type="text/css", headers=HEADERS)

    async def front(self, request: Request) -> Response:
        """Show the front page of one feed."""
        feed = _at(request.path_params["path"])
        cards = join(self._card(feed, article) for article in feed.articles)
        return self._shell(feed, feed.language, title=feed.title, main=page("news_front", cards=cards))

    async def article(self, request: Request) -> Response:
        """Show one article and offer similar ones by mail."""
        feed = _at(request.path_params["path"])
        slug = request.path_params["slug"]
        article = next((one for one in feed.articles if one.slug == slug), None)
        if article is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        words = NEWS[article.language]
        main = page(
            "news_article",
            **words,
            title=article.title,
            teaser=article.teaser,
            byline=f"{words['by']} {article.author} · {self._when(article)}",
            image=self._picture(article),
            body=join(page("news_paragraph", text=text) for text in article.paragraphs),
            tags=join(page("news_tag", name=tag) for tag in article.tags),
            similar_url=self.links.similar(self.place.article(feed, article)),
        )
        return self._shell(feed, article.language, title=article.title, main=main)

    async def about(self, request: Request) -> Response:  # noqa: ARG002 - Starlette hands it in
        """Show the imprint and the privacy notice that the mails lead to."""
        return self._shell(sample_feed(NAMES[0]), "de", title="Impressum", main=page("news_about"))

    def _card(self, feed: SampleFeed, article: SampleArticle) -> Html:
        return page(
            "news_card",
            url=self.place.article(feed, article),
            language=article.language,
            title=article.title,
            teaser=article.teaser,
            meta=f"{article.tags[0]} · {self._when(article)}",
            image=self._picture(article),
        )

    def _picture(self, article: SampleArticle) -> Html:
        url = self.place.image(article)
        return page("news_image", url=url) if url else Html()

    def _when(self, article: SampleArticle) -> str:
        return f"{self.place.published_at(article):%d.%m. %H:%M} UTC"

    def _shell(self, feed: SampleFeed, language: str, *, title: str, main: Html) -> Response:
        document = page(
            "news",
            **NEWS[language],
            language=language,
            title=title,
            name=feed.title,
            tagline=feed.description,
            home=self.place.home(feed),
            base=self.place.base_url,
            feed=self.place.feed(feed),
            feed_type=CONTENT_TYPES[feed.format].partition(";")[0],
            sign_up_url=self.links.subscribe(lang=language),
            main=main,
        )
        return HTMLResponse(document, headers=HEADERS)


def news_site(place: Place, links: Links) -> Starlette:
    """The publisher's site as an application, to be mounted at `PREFIX`."""
    site = Site(place, links)

    async def home(request: Request) -> Response:  # noqa: ARG001 - Starlette hands it in
        return RedirectResponse(place.home(sample_feed(NAMES[0])))

    return Starlette(
        routes=[
            Route("/", home),
            Route("/style.css", site.style),
            Route("/feeds/{name}", site.feed),
            Route("/images/{name}.png", site.image),
            Route("/about", site.about),
            Route("/{path}", site.front),
            Route("/{path}/{slug}", site.article),
        ]
    )


def _known(name: str) -> SampleFeed:
    try:
        return sample_feed(name)
    except KeyError:
        raise HTTPException(HTTPStatus.NOT_FOUND) from None


def _at(path: str) -> SampleFeed:
    for name in NAMES:
        if (feed := sample_feed(name)).path == path:
            return feed
    raise HTTPException(HTTPStatus.NOT_FOUND)


def _has(request: Request, validators: dict[str, str]) -> bool:
    """Whether the visitor's copy is this one; an entity tag outranks a date (RFC 9110, 13.2.2)."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return validators["ETag"] in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    return request.headers.get("if-modified-since") == validators["Last-Modified"]
