"""The story of the web tests, seen through a browser: one each where something is told, one shared where all is shown."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from digest.db import Database
from digest.settings import Settings
from digest.web.errors import Reason, Refused
from tests.browser.web.states import STATUSES
from tests.browser.web.world import World, offer_more, settle
from tests.conftest import NOW
from tests.integration.web.conftest import Story, clock, story, tell
from tests.support.site import Clock, running_site

__all__ = ["clock", "story"]
LANGUAGES = ("de", "en")
FACTS = {"minutes": 7, "id": "5f2a90c1"}


@pytest.fixture(scope="session")
def worlds(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, World]]:
    """A served site with readers in every state, by language; written once for all that only look."""
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("worlds") / "digest.db")
    with served(f"sqlite:///{file}") as found:
        yield found


@contextmanager
def served(url: str) -> Iterator[Mapping[str, World]]:
    """Write the worlds into an empty database and serve them; every refusal has an address, to be looked at."""
    database = Database(url)
    with database.write() as session:
        ann = tell(session, now=NOW)
    with running_site(database, house(), Clock(NOW)) as site:
        story = Story(site, ann)
        with database.write() as session:
            offer_more(session, story)
            found = {lang: settle(session, story, lang) for lang in LANGUAGES}
        site.app.add_route("/refuse/{reason}", _refuse)
        yield found
    database.close()


def house() -> Settings:
    """A publisher with everything a page can name."""
    return Settings(
        secret_key="0123456789abcdef" * 4,
        site={"name": "Beispiel-News", "url": "https://news.example.org"},
        sender={"name": "Beispiel-News", "address": "news@news.example.org"},
        imprint={
            "name": "Beispiel Verlag",
            "address": "Musterweg 1, 80331 München",
            "url": "https://news.example.org/impressum",
            "privacy_url": "https://news.example.org/datenschutz",
        },
    )


async def _refuse(request: Request) -> Response:
    reason = Reason(request.path_params["reason"])
    raise Refused(STATUSES[reason], reason, facts=FACTS)
