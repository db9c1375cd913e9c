"""Alive, ready, counted: for machines, and for nobody else."""

from sqlalchemy import text

from digest.delivery.models import Worker
from digest.feeds import tally
from digest.feeds.models import FeedState
from digest.feeds.outcomes import Outcome
from digest.web.health import check
from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story


def be_ready(story: Story) -> None:
    with story.site.db.write() as session:
        session.add(Worker(id="w1", host="h", pid=1, seen_at=story.site.clock.now))


def test_alive_means_only_that_the_process_answers(story: Story) -> None:
    story.site.db.close()
    answer = story.site.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_needs_database_schema_and_a_worker_that_beats(both: Story) -> None:
    assert both.site.client.get("/readyz").status_code == 503
    be_ready(both)
    answer = both.site.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "schema": "ok", "worker": "ok"})
    both.site.clock.move(seconds=91)
    late = both.site.client.get("/readyz")
    assert (late.status_code, late.json()["worker"]) == (503, "no heartbeat for 90 seconds")


async def test_a_database_that_is_gone_is_said_not_raised(story: Story) -> None:
    with story.site.db.write() as session:
        session.execute(text("DROP TABLE worker"))
    assert await check(story.site.app.state.site) == {"database": "unreachable"}


def test_figures_name_routes_and_never_a_person(story: Story) -> None:
    story.sign_up("ben@example.org")
    story.site.client.post(story.path(Purpose.UNSUBSCRIBE))
    text_ = story.site.client.get("/metrics").text
    for line in (
        'digest_signups_total{result="taken"} 1.0',
        'digest_unsubscribes_total{source="one-click"} 1.0',
        'digest_writer_waiting{lane="vital"} 0.0',
        'digest_http_seconds_count{method="POST",route="/u/{token}",status="200"} 1.0',
    ):
        assert line in text_
    assert "@" not in text_
    assert story.path(Purpose.UNSUBSCRIBE).rsplit("/", 1)[1] not in text_


def test_figures_of_feeds_come_from_the_tables(both: Story) -> None:
    with both.site.db.write() as session:
        tally.count(session, [Outcome.CHANGED, Outcome.DNS, Outcome.CHANGED])
    with both.site.db.write() as session:
        tally.count(session, [Outcome.CHANGED])
    text_ = both.site.client.get("/metrics").text
    for line in (
        'digest_feed_fetches_total{outcome="changed"} 3.0',
        'digest_feed_fetches_total{outcome="dns"} 1.0',
        'digest_feed_fetches_total{outcome="gone"} 0.0',
        'digest_feeds{state="dormant"} 0.0',
    ):
        assert line in text_
    assert text_.count("digest_feed_fetches_total{") == len(Outcome)
    assert text_.count("digest_feeds{") == len(FeedState)


def test_without_a_table_only_its_own_figures_are_missing(story: Story) -> None:
    with story.site.db.write() as session:
        session.execute(text("DROP TABLE fetch_count"))
    answer = story.site.client.get("/metrics")
    assert answer.status_code == 200
    assert "digest_feeds{" not in answer.text
    assert "digest_http_seconds" in answer.text


def test_figures_are_for_this_machine_or_the_bearer_of_the_token(story: Story) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    assert story.site.client.get("/metrics", headers=forwarded).status_code == 404
    site = story.site
    settings = site.runtime.settings
    metrics = type(settings.metrics)(token="s3cret-token")
    object.__setattr__(site.runtime, "settings", settings.model_copy(update={"metrics": metrics}))
    for token, status in (("s3cret-token", 200), ("wrong", 404), ("s3cret-toke", 404)):
        headers = forwarded | {"Authorization": f"Bearer {token}"}
        assert site.client.get("/metrics", headers=headers).status_code == status
