"""The long form of delivery's proofs: each scenario's tests again and again, and a table of what really ran.

    python -m pytest -p tests.support.soak -m "" --soak-minutes 180 --soak-page docs/reliability.md tests/integration/delivery

A scenario gets its share of the time that is left, so what one does not need goes to those after it, the kills last; what did
not fit is not counted. The table stands between two marks of the page.
"""

import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

MARKS = ("<!-- soak: begin -->", "<!-- soak: end -->")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the table: its tests by name, and how often each of them should run."""

    name: str
    tests: re.Pattern[str]
    rounds: int


def scenario(name: str, tests: str, rounds: int) -> Scenario:
    return Scenario(name, re.compile(tests), rounds)


SCENARIOS: Sequence[Scenario] = (
    scenario("connection refused; 421 as banner, in the middle", r"relay_that_is_down|does_not_welcome|nobody_listening|takes_a_few_mails|link_that_ends_before", 5),
    scenario("greylisting; asked for less", r"greylisted|asks_for_less", 15),
    scenario("a third of the people refused", r"a_third_refused", 20),
    scenario("replies lost after the dot, both policies", r"reply_lost_after|lost_link_is_lost|lost_reply_is_the_same", 10),
    scenario("no 354, stops reading, byte by byte, silence after the dot", r"stops_reading|byte_by_byte|silence_after|content_always_ends", 10),
    scenario("TLS not offered, refused, expired, wrong name, unknown CA", r"test_secure\.py", 5),
    scenario("535 to AUTH, no PIPELINING, SIZE, an answer to each command", r"refused_password|over_the_offered_size|an_answer_is_this_mails|refused_sender", 5),
    scenario("database locked, disk full, no START in time", r"locked_database|no_start_within|full_disk|has_no_room", 30),
    scenario("PostgreSQL: connections killed, deadlock, serialisation, disk full", r"the_server_kills|postgresql_refuses", 80),
    scenario("SIGKILL of the database server, alone or with the worker", r"killed_database_server", 25),
    scenario("two versions at work on one database", r"test_versions\.py", 20),
    scenario("the Nth call fails: statement, mark, socket, file", r"whichever_call_fails", 5),
    scenario("unsubscribe, erase, hold, cancel at each state", r"withdrawn|who_leaves|test_control\.py|test_control_killed\.py", 10),
    scenario("an older database put back: HOLD, both ways out", r"test_witness\.py|restored", 5),
    scenario("a worker frozen longer than its lease", r"frozen", 50),
    scenario("SIGTERM under load, poison row", r"told_to_stop|kills_every_worker", 40),
    scenario("rate, pauses and logs of many workers", r"share_the_rate|pause_one_worker|names_nobody", 10),
    scenario("SIGKILL of any of 3 workers at random moments", r"three_workers_killed", 250),
    scenario("SIGKILL at each boundary of a mail", r"killed_at_a_boundary|the_same_on_postgresql|under_hold_nobody", 25),
)  # fmt: skip

_spent: defaultdict[str, float] = defaultdict(float)
_passed: Counter[str] = Counter()
_failed: Counter[str] = Counter()
_planned: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak-minutes", type=float, default=180.0, help="How long all scenarios may take.")
    parser.addoption("--soak-page", help="The page whose table is written.")


def scenario_of(nodeid: str) -> Scenario | None:
    return next((one for one in SCENARIOS if one.tests.search(nodeid)), None)


@pytest.fixture
def soak_round(request: pytest.FixtureRequest) -> object:
    """Which repetition this is."""
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """As many rounds of each test as its scenario asks for."""
    found = scenario_of(metafunc.definition.nodeid)
    if found is not None:
        metafunc.fixturenames.append("soak_round")
        metafunc.parametrize(
            "soak_round", range(found.rounds), indirect=True, ids=lambda number: f"round{number}"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only the scenarios' tests; in each scenario round after round."""
    found = {item: scenario_of(item.nodeid) for item in items}
    items[:] = sorted((item for item in items if found[item]), key=_place)
    _planned.update(one.name for one in found.values() if one)


def _place(item: pytest.Item) -> tuple[int, int]:
    number = next(place for place, one in enumerate(SCENARIOS) if one.tests.search(item.nodeid))
    return number, item.callspec.params["soak_round"]  # type: ignore[attr-defined]  # of parametrised tests


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """What does not fit into its scenario's share of the time is left out, and not counted."""
    total = session.config.getoption("--soak-minutes") * 60
    left = deque(session.items)
    item = _next(left, total)
    while item is not None:
        following = _next(left, total)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True


def _next(left: deque[pytest.Item], total: float) -> pytest.Item | None:
    while left:
        item = left.popleft()
        place, _ = _place(item)
        earlier = sum(_spent[one.name] for one in SCENARIOS[:place])
        if _spent[SCENARIOS[place].name] < (total - earlier) / len(SCENARIOS[place:]):
            return item
    return None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    found = scenario_of(report.nodeid)
    if found is None:
        return
    _spent[found.name] += report.duration
    _passed[found.name] += report.when == "call" and report.passed
    _failed[found.name] += report.failed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = ["| scenario | of | ran | failed | seconds |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {_planned[one.name]} | {_passed[one.name] + _failed[one.name]} | {_failed[one.name]} | {_spent[one.name]:.0f} |"
        for one in SCENARIOS
    ]
    terminalreporter.write_line("\n".join(lines))
    page = config.getoption("--soak-page")
    if page:
        write(Path(page), "\n".join([f"Run of {time.strftime('%Y-%m-%d')}.", "", *lines]))


def write(page: Path, table: str) -> None:
    """Replace what stands between the marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    page.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")
