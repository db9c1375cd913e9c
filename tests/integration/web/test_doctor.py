"""What `digest doctor` says about the pages: the proxy in front of them, and keys that old links still need."""

from dataclasses import replace
from datetime import date

from sqlmodel import select

from digest import doctor
from digest.editions.models import Edition
from digest.runtime import Runtime
from digest.settings import Settings
from tests.integration.web.conftest import Story
from tests.support.sending import make_edition

KEY = "fedcba9876543210" * 4


def with_settings(story: Story, **values: object) -> Runtime:
    """The same house under other settings."""
    runtime = story.site.runtime
    return replace(runtime, settings=Settings(**(runtime.settings.model_dump() | values)))


def test_a_proxy_is_told_what_to_send(story: Story) -> None:
    (found,) = doctor._proxy(with_settings(story, base_url="https://news.example.org"))
    assert "X-Forwarded-For" in found.sentence
    assert list(doctor._proxy(story.site.runtime)) == [], "nothing stands before this machine's own pages"


def test_an_old_key_is_needed_until_two_years_after_the_newest_edition(story: Story) -> None:
    assert list(doctor._old_keys(story.site.runtime)) == []
    runtime = with_settings(story, secret_keys_old=[KEY])
    (found,) = doctor._old_keys(runtime)
    assert "no old key is needed" in found.sentence
    with story.site.db.write() as session:
        make_edition(session, 1, now=story.site.clock.now)
        session.exec(select(Edition)).one().local_date = date(2026, 11, 22)
    (found,) = doctor._old_keys(runtime)
    assert "none after 2028-11-22" in found.sentence
