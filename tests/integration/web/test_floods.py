"""The form is no weapon: one address from a thousand networks, and two processes that hear of it at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from benchmarks.served import free_port, prepared
from benchmarks.served import serving as in_a_process
from digest.db import Database
from digest.delivery.models import Delivery
from subscribers.models import SignupRequest
from tests.integration.web.conftest import Story

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "networks", [60, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_one_address_from_many_networks_gets_one_mail_a_day_and_three_a_month(
    story: Story, networks: int
) -> None:
    seen = set()
    for day in range(31):
        story.site.clock.now += DAY
        for number in range(networks if day == 0 else 1):
            answer = story.site.client.post(
                "/subscribe",
                data={"email": "ben@example.org", "topic": "ki"},
                headers={"X-Forwarded-For": f"198.{18 + number // 250}.{number % 250}.7"},
            )
            told = {name: value for name, value in answer.headers.items() if name != "date"}
            seen.add((answer.status_code, repr(sorted(told.items())), answer.text))
        assert len(story.mails("confirmation")) == (min(day + 1, 3) if day < 30 else 4)
    assert len(seen) == 1, "every answer is the same"


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_two_processes_that_hear_of_an_address_at_once_write_it_once(tmp_path: Path) -> None:
    path, names = prepared(tmp_path / "two.db"), [f"r{number}" for number in range(200)]
    ports = [free_port(), free_port()]

    def ask(of: tuple[int, str]) -> int:
        data = {"email": f"{of[1]}@example.org", "topic": "ki"}
        return httpx.post(f"http://127.0.0.1:{of[0]}/subscribe", data=data, timeout=30).status_code

    with in_a_process(path, ports[0]), in_a_process(path, ports[1]), ThreadPoolExecutor(16) as pool:
        told = set(pool.map(ask, [(port, name) for name in names for port in ports]))
    assert told == {303}
    db = Database(f"sqlite:///{path}")
    with db.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table)) for table in (SignupRequest, Delivery)
        ]
    db.close()
    assert counts == [len(names), len(names)]
