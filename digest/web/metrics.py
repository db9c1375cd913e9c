"""What the operator may count: names of routes and limits, never a person, a token or an address."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from digest.db import Database, DatabaseError
from digest.feeds import tally

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 200)


class Metrics:
    """The counters of one app; each app has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.signups = self._counter("digest_signups", "Sign-ups by what became of them", "result")
        self.confirmations = self._counter("digest_confirmations", "Confirmed subscriptions")
        self.unsubscribes = self._counter("digest_unsubscribes", "People who left, by way", "source")
        self.limited = self._counter("digest_limited", "Requests refused by a limit", "limit")
        self.batch_size = Histogram(
            "digest_writer_batch_size", "Operations per commit", buckets=_SIZES, registry=self.registry
        )
        self.seconds = Histogram(
            "digest_http_seconds",
            "Time to answer",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def watch_waiting(self, lane: str, waiting: Callable[[], float]) -> None:
        """Show how much waits in a lane of the writer, asked when the figures are read."""
        if not hasattr(self, "_waiting"):
            self._waiting = Gauge("digest_writer_waiting", "Work waiting", ["lane"], registry=self.registry)
        self._waiting.labels(lane).set_function(waiting)

    def watch_feeds(self, db: Database) -> None:
        """Show what the tables say of the feeds, whichever process asks them."""
        self.registry.register(_Feeds(db))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, labels, registry=self.registry)


class _Feeds(Collector):
    """Feeds by state and attempts by outcome, read when the figures are; a database that is away hides only these."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: registering asks no database."""
        return iter(())

    @override
    def collect(self) -> Iterator[Metric]:
        try:
            with self._db.read() as session:
                states, totals = tally.states(session), tally.totals(session)
        except (DBAPIError, DatabaseError):
            return
        feeds = GaugeMetricFamily("digest_feeds", "Feeds by state", labels=["state"])
        for state, number in states.items():
            feeds.add_metric([state], number)
        fetches = CounterMetricFamily("digest_feed_fetches", "Attempts by outcome", labels=["outcome"])
        for outcome, number in totals.items():
            fetches.add_metric([outcome], number)
        yield feeds
        yield fetches
