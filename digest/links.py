"""The only maker of public addresses: every link in a mail, page or feed comes from here."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Links:
    """Public addresses below `base_url` (no slash at its end). Tokens and slugs go in as they are made."""

    base_url: str

    def home(self) -> str:
        """The page that says what this is."""
        return f"{self.base_url}/"

    def subscribe(self, *, topic: str = "", lang: str = "") -> str:
        """The sign-up form, with a topic chosen if one is named."""
        return self._with_query("/subscribe", topic=topic, lang=lang)

    def similar(self, url: str) -> str:
        """The sign-up form for news similar to the article at `url`."""
        return self._with_query("/subscribe/similar", url=url)

    def check_inbox(self) -> str:
        """Where a sign-up leads: a mail is on its way, if there is something to confirm."""
        return f"{self.base_url}/subscribe/check-inbox"

    def confirm(self, token: str) -> str:
        """The page with the button that confirms."""
        return f"{self.base_url}/confirm/{token}"

    def preferences(self, token: str, *, add: str = "") -> str:
        """The preference centre; with a request's id in `add` its topics stand ticked there."""
        return self._with_query(f"/p/{token}", add=add)

    def pause(self, token: str) -> str:
        """The preference centre, at the pause."""
        return f"{self.preferences(token)}#pause"

    def manage(self) -> str:
        """The page that mails a link to one's own settings."""
        return f"{self.base_url}/manage"

    def unsubscribe(self, token: str) -> str:
        """The page that asks once and the address of one-click (RFC 8058)."""
        return f"{self.base_url}/u/{token}"

    def view(self, token: str) -> str:
        """The same mail in the browser, without anything personal."""
        return f"{self.base_url}/v/{token}"

    def mute(self, token: str, article_id: int | str = "") -> str:
        """The page to mute or get less like one article."""
        return f"{self.base_url}/m/{token}" + (f"?a={article_id}" if article_id != "" else "")

    def personal_feed(self, token: str) -> str:
        """One reader's own Atom feed."""
        return f"{self.base_url}/feed/{token}.xml"

    def topic(self, slug: str) -> str:
        """All articles of a topic: its Atom feed."""
        return f"{self.base_url}/topics/{quote(slug, safe='')}/feed.xml"

    def archive(self, day: str = "") -> str:
        """The public archive, or one day of it (`YYYY-MM-DD`)."""
        return f"{self.base_url}/archive" + (f"/{day}" if day else "")

    def archive_feed(self) -> str:
        """The archive as an Atom feed, one entry a day."""
        return f"{self.base_url}/archive.xml"

    def _with_query(self, path: str, **values: str) -> str:
        chosen = {name: value for name, value in values.items() if value}
        return f"{self.base_url}{path}" + (f"?{urlencode(chosen)}" if chosen else "")
