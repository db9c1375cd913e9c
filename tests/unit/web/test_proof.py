"""The task against robots: solved once it opens the door once, for two hours, and only as it was set."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from altcha import Challenge, Payload, solve_challenge

from digest.settings import ProofOfWork
from digest.web.limits import Limits, Scope
from digest.web.proof import LIFE, Proofs
from tests.support.site import Clock

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
SECRET = b"0123456789abcdef" * 4


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def proofs(clock: Clock) -> Proofs:
    return house(clock)


@pytest.fixture(scope="module")
def solution() -> str:
    """A task of this hour and its solution; solving is the dear part."""
    return solved(house(Clock(START)).task())


def house(
    clock: Clock, mode: ProofOfWork = ProofOfWork.ON, *, limit: str = "", secret: bytes = SECRET
) -> Proofs:
    return Proofs(mode=mode, limits=Limits({Scope.SIGN_UP_SITE: limit}), clock=clock, secret=secret)


def solved(task: str) -> str:
    challenge = Challenge.from_dict(json.loads(base64.b64decode(task)))
    found = solve_challenge(challenge)
    assert found is not None
    return Payload(challenge, found).to_base64()


def test_a_solution_opens_the_door_once(proofs: Proofs, solution: str) -> None:
    assert proofs.spend(solution)
    assert not proofs.spend(solution)


def test_a_task_holds_for_two_hours_on_our_own_clock(proofs: Proofs, clock: Clock, solution: str) -> None:
    clock.now += LIFE
    assert not proofs.spend(solution)
    clock.now -= timedelta(seconds=1)
    assert proofs.spend(solution)


def test_another_house_does_not_take_it(clock: Clock, solution: str) -> None:
    assert not house(clock, secret=b"another secret of thirty-two byte").spend(solution)


def changes(payload: dict[str, Any]) -> Iterator[None]:
    """Make one thing of a solution wrong after the other."""
    parameters, solution = payload["challenge"]["parameters"], payload["solution"]
    for part, name, value in [
        (parameters, "cost", 1), (parameters, "nonce", "00" * 16), (parameters, "data", {"until": 2**40}),
        (parameters, "data", None), (parameters, "algorithm", "SHA-256"), (parameters, "keySignature", None),
        (solution, "derivedKey", "00" * 32), (solution, "derivedKey", 7), (payload["challenge"], "signature", "00"),
        (payload["challenge"], "signature", None), (payload["challenge"], "parameters", []), (payload, "solution", "x"),
    ]:  # fmt: skip
        before = part[name]
        part[name] = value
        yield
        part[name] = before


def test_whatever_is_changed_it_opens_nothing(proofs: Proofs, solution: str) -> None:
    payload = json.loads(base64.b64decode(solution))
    for _ in changes(payload):
        assert not proofs.spend(base64.b64encode(json.dumps(payload).encode()).decode())
    assert proofs.spend(solution)


@pytest.mark.parametrize("text", ["", "x", "é", "bnVsbA==", "W10=", "e30=", "[" * 9_000, "AA==" * 10])
def test_nonsense_opens_nothing(proofs: Proofs, text: str) -> None:
    assert not proofs.spend(text)
    assert not proofs.spend(base64.b64encode(text.encode()).decode())


def test_what_was_solved_is_forgotten_after_its_time(proofs: Proofs, clock: Clock, solution: str) -> None:
    proofs.spend(solution)
    clock.now += 2 * LIFE
    proofs.spend(solved(proofs.task()))
    assert len(proofs.spent) == 1


def test_under_auto_it_is_asked_for_once_a_fifth_of_the_limit_is_used(clock: Clock) -> None:
    proofs = house(clock, ProofOfWork.AUTO, limit="10/hour")
    assert not proofs.is_asked()
    for _ in range(2):
        proofs.limits.hit(Scope.SIGN_UP_SITE, "", now=clock.now)
    assert proofs.is_asked()
    assert not house(clock, ProofOfWork.AUTO).is_asked(), "without a limit there is no share of it"
    assert not house(clock, ProofOfWork.OFF, limit="1/hour").is_asked()
