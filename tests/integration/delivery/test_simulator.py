"""Seeds of the simulator keep every invariant, and each planted mutant of the product breaks one."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from digest.delivery import outbox, retry, settlement
from digest.delivery.marks import SqliteMarks
from digest.delivery.models import DeliveryState
from digest.delivery.queue import Queue
from digest.delivery.retry import Decision
from digest.delivery.settlement import Settlement
from digest.mail.outcome import Outcome, Phase, Verdict
from tests.support.simulator import World, simulate

SEEDS = 4
FROZEN = 55
"""In it a worker wakes after its lease is over, and before anybody else has claimed what it holds."""
MUTANT_SEEDS = 200


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """A fresh database a seed, in memory where the machine has a place for that; chunks of four."""
    monkeypatch.setattr(outbox, "CHUNK", 4)
    memory = Path("/dev/shm")
    folder = memory / f"digest-{tmp_path.name}-{id(tmp_path)}" if memory.is_dir() else tmp_path / "seeds"
    folder.mkdir()

    def fresh(seed: int) -> Path:
        for old in folder.iterdir():
            old.unlink()
        return Path(shutil.copy(sqlite_template, folder / f"{seed}.db"))

    yield fresh
    shutil.rmtree(folder)


def test_no_seed_breaks_an_invariant(place: Callable[[int], Path]) -> None:
    for seed in (*range(SEEDS), FROZEN):
        simulate(place(seed), seed)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_seed_of_many_breaks_an_invariant(place: Callable[[int], Path]) -> None:
    for seed in range(SEEDS, 10_000):
        simulate(place(seed), seed)


def start_ignores_the_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqliteMarks, "_ALLOWED", "SELECT 1 FROM chunk WHERE id = ? AND ? >= 0 AND NOT is_held")


def start_ignores_the_state(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SqliteMarks, "_START", SqliteMarks._START.split(" AND state")[0])


def lost_replies_are_settled_sent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(retry, "_lost", lambda standing, *_: Decision(state=DeliveryState.SENT))
    patch.setattr(Settlement, "take_over", freeing("failed"))


def the_cap_of_resends_is_gone(patch: pytest.MonkeyPatch) -> None:
    real = retry._lost
    patch.setattr(retry, "_lost", lambda standing, policy, at: real(replace(standing, resends=0), policy, at))


def hold_is_treated_as_resend(patch: pytest.MonkeyPatch) -> None:
    real = retry._lost
    patch.setattr(retry, "_lost", lambda standing, policy, at: real(standing, retry.UnknownPolicy.RESEND, at))


def takeover_frees_in_data_rows_uncounted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Settlement, "take_over", freeing("planned"))


def freeing(state: str) -> Callable[..., int]:
    from sqlalchemy import text

    def take_over(self: Settlement, session: Any, chunk_id: int, *, now: datetime) -> int:
        session.execute(
            text(f"UPDATE delivery SET state = '{state}' WHERE chunk_id = :id AND state = 'in_data'"),
            {"id": chunk_id},
        )
        return 0

    return take_over


def a_421_to_the_dot_is_taken_as_lost(patch: pytest.MonkeyPatch) -> None:
    real = retry.decide

    def decide(outcome: Outcome, *values: Any, **more: Any) -> Decision:
        is_bye = outcome.phase is Phase.DOT and outcome.verdict is Verdict.DEFERRED
        return real(replace(outcome, verdict=Verdict.LOST) if is_bye else outcome, *values, **more)

    patch.setattr(retry, "decide", decide)


def a_window_comes_back_after_unknown(patch: pytest.MonkeyPatch) -> None:
    real = retry.decide
    patch.setattr(
        retry,
        "decide",
        lambda *values, **more: replace(
            real(*values, **more), returns_window=real(*values, **more).state is DeliveryState.UNKNOWN
        ),
    )


def a_window_never_comes_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "return_window", lambda *_, **__: None)


def leases_live_on_the_wall_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(World, "lease_clock", lambda self: self.now.timestamp() - 1_795_000_000)


def a_former_owners_answer_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "_is_ours", lambda session, row, mark: True)


def leases_are_ignored(patch: pytest.MonkeyPatch) -> None:
    real = Queue._claim
    patch.setattr(Queue, "_claim", lambda self, now, lanes: real(Impatient(self), now, lanes), raising=True)


class Impatient:
    """A queue for which every lease is over."""

    def __init__(self, queue: Queue) -> None:
        self.owner, self._lease = queue.owner, -1e9

    def _lease_now(self) -> Any:
        from sqlalchemy import literal

        return literal(1e12)


MUTANTS = [
    start_ignores_the_state,
    lost_replies_are_settled_sent,
    takeover_frees_in_data_rows_uncounted,
    a_window_comes_back_after_unknown,
    a_window_never_comes_back,
    leases_are_ignored,
    pytest.param(leases_live_on_the_wall_clock, marks=pytest.mark.soak),
    pytest.param(start_ignores_the_fence, marks=pytest.mark.soak),
    pytest.param(a_421_to_the_dot_is_taken_as_lost, marks=pytest.mark.soak),
    pytest.param(hold_is_treated_as_resend, marks=pytest.mark.soak),
    pytest.param(the_cap_of_resends_is_gone, marks=pytest.mark.soak),
    pytest.param(a_former_owners_answer_is_believed, marks=pytest.mark.soak),
]
"""Those that take many seeds run in the long form; test_states.py catches each of them by name as well."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_mutant_is_caught(
    mutant: Callable[[pytest.MonkeyPatch], None],
    place: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutant(monkeypatch)
    for seed in range(MUTANT_SEEDS):
        try:
            simulate(place(seed), seed)
        except AssertionError:
            return
    pytest.fail(f"{mutant.__name__} survived {MUTANT_SEEDS} seeds")
