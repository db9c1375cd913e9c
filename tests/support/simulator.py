"""Many workers in one thread: a seeded dice decides who runs next at each commit and each socket event.

The SQL, the queue, the marks and every decision are the product's; time, SMTP and the order of events are simulated.
Workers crash and freeze, replies are lost, people leave, the operator holds and releases, the wall clock jumps. A seed
that breaks an invariant prints itself: `simulate(path, seed)` replays it.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import col, select

from digest.db import Database
from digest.delivery import edition_control, outbox
from digest.delivery.committer import Ended
from digest.delivery.edition_control import EditionError
from digest.delivery.marks import SentMark, StartMark, marks_for
from digest.delivery.models import Chunk, Delivery, DeliveryState
from digest.delivery.queue import Claim, Due, Queue
from digest.delivery.settlement import Rules, Settlement
from digest.mail.outcome import Outcome, Phase, Reply, Verdict, outcome_of, untouched
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber
from tests.support.checker import check
from tests.support.sending import make_edition
from tests.support.smtp import Accepted

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LEASE = timedelta(seconds=120)
RELEASE = 7
Actor = Iterator[None]


@dataclass
class World:
    """Everything outside the product: time, the server, and who is alive."""

    db: Database
    dice: random.Random
    policy: UnknownPolicy
    now: datetime = START
    monotonic: float = 1000.0
    accepted: list[Accepted] = field(default_factory=list)
    doubts: int = 0
    """Second copies that crashes, freezes and lost replies can account for."""
    left: set[int] = field(default_factory=set)
    is_held: bool = False
    is_calm: bool = False
    workers: dict[str, "SimulatedWorker"] = field(default_factory=dict)

    def lease_clock(self) -> float:
        return self.monotonic

    def pass_time(self, seconds: int) -> None:
        """The lease clock moves; whoever lives renews its lease every thirty seconds."""
        while seconds > 0:
            self.monotonic += min(30, seconds)
            seconds -= 30
            for worker in self.workers.values():
                worker.renew()

    def chance(self, share: float) -> bool:
        return not self.is_calm and self.dice.random() < share


class SimulatedWorker:
    """One worker: a claim, two connections over it, and its own marks."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.settlement = Settlement(
            world.db, Rules(policy=world.policy, jitter=lambda: 0.0), suppress=lambda *_: None
        )
        self.queue = Queue(world.db, self.settlement, owner=name, lease=LEASE, lease_clock=world.lease_clock)
        self.marks = marks_for(world.db, is_durable=False)
        self.in_doubt: set[int] = set()
        """Deliveries whose START is committed and whose end is not."""
        self.actors: list[Actor] = [self.run()]
        self.frozen = 0
        self.claim: Claim | None = None
        self.renewed_at = 0.0

    def renew(self) -> None:
        """As the keeper of leases does in the background."""
        if self.claim is not None and not self.frozen and self.queue.renew([self.claim]):
            self.renewed_at = self.world.monotonic

    def step(self) -> None:
        actor = self.world.dice.choice(self.actors)
        try:
            next(actor)
        except StopIteration:
            self.actors.remove(actor)

    def crash(self) -> None:
        """What was past its START is in doubt; everything in memory is gone."""
        self.world.doubts += len(self.in_doubt)
        self.marks.close()

    def run(self) -> Actor:
        while True:
            claim = self.claim = self.queue.claim(now=self.world.now)
            self.renewed_at = self.world.monotonic
            yield
            if claim is None:
                continue
            waiting = deque(claim.rows)
            mine = [self.connection(claim, waiting) for _ in range(2)]
            self.actors += mine
            while any(one in self.actors for one in mine):
                yield
            self.queue.give_back(claim, now=self.world.now)
            self.claim = None
            yield

    def connection(self, claim: Claim, waiting: deque[Due]) -> Actor:
        settled: list[SentMark] = []
        while waiting:
            row = waiting.popleft()
            dated_at = row.dated_at if row.resends and row.dated_at else self.world.now
            yield
            if self.world.chance(0.1):
                text = self.world.dice.choice(["450 4.2.0 Later", "550 5.7.1 No", "550 5.2.1 Full"])
                self.end(row, claim, said(text, Phase.RCPT))
                yield
                continue
            if self.world.monotonic - self.renewed_at > LEASE.total_seconds():
                continue  # it was frozen: its lease may be over
            asked_at = self.world.monotonic
            granted = self.marks.write(settled, [StartMark(row.id, claim.chunk_id, claim.fence, dated_at)])
            self.in_doubt -= {mark.delivery_id for mark in settled}
            settled = []
            if row.id not in granted:
                yield
                continue
            assert row.id not in self.world.left, "a START after the answer to leaving"
            self.in_doubt.add(row.id)
            yield
            if self.world.monotonic - asked_at > LEASE.total_seconds() / 2 and not self.queue.holds(claim):
                self.end(row, claim, untouched(Phase.GATE))
                continue
            outcome = self.dot(row, dated_at)
            yield
            if outcome.verdict is Verdict.ACCEPTED and row.attempts == 0:
                settled = [SentMark(row.id, claim.fence, self.world.now, 250, "ok")]
            else:
                self.end(row, claim, outcome)
            yield
        if settled:
            self.marks.write(settled, [])
            self.in_doubt -= {mark.delivery_id for mark in settled}

    def dot(self, row: Due, dated_at: datetime) -> Outcome:
        """The dot goes out; what the server does with it."""
        if self.world.chance(0.08):
            return said(
                self.world.dice.choice(["421 4.3.2 Bye", "554 5.7.1 No", "452 4.3.1 Full"]), Phase.DOT
            )
        self.world.accepted.append(Accepted(row.address or "", f"<d{row.id}>", dated_at.isoformat(), ""))
        if self.world.chance(0.08):
            self.world.doubts += 1
            return Outcome(Verdict.LOST, Phase.DOT)
        return said("250 2.0.0 Ok", Phase.DOT)

    def end(self, row: Due, claim: Claim, outcome: Outcome) -> None:
        self.settlement.settle([Ended(row.id, claim.fence, outcome, self.world.now)])
        self.in_doubt.discard(row.id)


def said(text: str, phase: Phase) -> Outcome:
    code, _, words = text.partition(" ")
    return outcome_of(Reply(int(code), words.encode()), phase)


def simulate(
    path: Path,
    seed: int,
    *,
    people: int = 12,
    events: int = 150,
    worker: type[SimulatedWorker] = SimulatedWorker,
) -> World:
    """Run one seed on an empty database with all tables and check it; raises AssertionError naming the seed."""
    dice = random.Random(seed)
    db = Database(f"sqlite:///{path}")
    world = World(db, dice, dice.choice(list(UnknownPolicy)))
    with db.write() as session:
        edition = make_edition(session, people, now=START, release_no=RELEASE)
    try:
        chaos(world, edition, events, worker)
        calm(world, edition, worker)
        verify(world)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, {world.policy}: {error}") from error
    finally:
        for one in world.workers.values():
            one.marks.close()
        db.close()
    return world


def chaos(world: World, edition: int, events: int, worker: type[SimulatedWorker]) -> None:
    for number in range(3):
        world.workers[f"w{number}"] = worker(world, f"w{number}")
    for event in range(events):
        name = world.dice.choice(list(world.workers))
        one = world.workers[name]
        if one.frozen > 0:
            one.frozen -= 1
        else:
            one.step()
        disturb(world, edition, name, f"w{event + 10}", worker)


def disturb(world: World, edition: int, name: str, fresh: str, worker: type[SimulatedWorker]) -> None:
    """What else may happen between two events."""
    if world.chance(0.03):
        world.workers.pop(name).crash()
        world.pass_time(121)
        world.workers[fresh] = worker(world, fresh)
    if world.chance(0.03):
        frozen = world.workers[world.dice.choice(list(world.workers))]
        frozen.frozen = world.dice.randrange(5, 25)
        world.doubts += len(frozen.in_doubt)
        world.pass_time(121)
    if world.chance(0.05):
        world.pass_time(world.dice.randrange(1, 50))
    if world.chance(0.05):
        world.now += timedelta(minutes=world.dice.choice([-60, -5, 1, 6, 11, 60]))
    if world.chance(0.03):
        leave(world)
    if world.chance(0.03):
        hold_or_release(world, edition)


def leave(world: World) -> None:
    with world.db.write() as session:
        rows = session.exec(select(Delivery.id, Delivery.subscriber_id, Delivery.resends)).all()
        delivery_id, subscriber_id, resends = world.dice.choice(rows)
        if outbox.withdraw(session, subscriber_id or 0, now=world.now) and not resends:
            world.left.add(delivery_id)


def hold_or_release(world: World, edition: int) -> None:
    try:
        with world.db.write() as session:
            if world.is_held:
                edition_control.release(session, edition, now=world.now)
            else:
                edition_control.hold(session, edition, reason="simulated", now=world.now)
        world.is_held = not world.is_held
    except EditionError:
        pass


def calm(world: World, edition: int, worker: type[SimulatedWorker]) -> None:
    """Everything recovers: the frozen wake up, one more worker comes, and time passes until all is at an end."""
    world.is_calm = True
    world.now = max(world.now, START)
    if world.is_held:
        hold_or_release(world, edition)
    for one in world.workers.values():
        one.frozen = 0
    world.workers["last"] = worker(world, "last")
    for _ in range(40):
        for _ in range(60):
            world.workers[world.dice.choice(list(world.workers))].step()
        if is_over(world):
            return
        world.now += timedelta(minutes=20)
        world.pass_time(40)
    raise AssertionError("stuck: not everything came to an end")


def is_over(world: World) -> bool:
    if any(one.in_doubt for one in world.workers.values()):
        return False
    with world.db.read() as session:
        return not any(session.exec(select(Chunk.is_open)))


def verify(world: World) -> None:
    with world.db.read() as session:
        people = {one.id: one for one in session.exec(select(Subscriber))}
        rows = list(session.exec(select(Delivery).order_by(col(Delivery.id))))
    addresses = {number: one.address for number, one in people.items()}
    doubles = 0 if world.policy is UnknownPolicy.HOLD else world.doubts
    check(rows, addresses, world.accepted, doubles=doubles, withdrawn=world.left)
    unknown = sum(row.state is DeliveryState.UNKNOWN for row in rows)
    assert unknown <= world.doubts, f"{unknown} are unknown, {world.doubts} accounted for"
    for row in rows:
        has_returned = people[row.subscriber_id or 0].last_release == 0
        ended_for_certain = row.state in {DeliveryState.FAILED, DeliveryState.SKIPPED}
        assert has_returned is ended_for_certain, (
            f"{row.id} is {row.state.value}, its window {'came back' if has_returned else 'stayed'}"
        )
