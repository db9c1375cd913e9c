"""The documentation says what the program does: every setting and command, and nothing that is not there."""

import os
import re
import signal
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from shutil import copytree, which
from typing import Any, NamedTuple

import pytest
import typer
from typer.core import TyperGroup

from digest import __version__
from digest.cli.app import app
from digest.settings import is_secret, load, missing_for_sending, variables
from tests.support.docs import code_blocks, headings, links

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / ".env.example"])
VARIABLES = dict(variables())
FORBIDDEN = re.compile(r"/work/|/root/|/home/\w|/tmp/|\b(?:chatgpt|copilot|prompt|subagent)\b", re.IGNORECASE)


class Command(NamedTuple):
    """One command as typer knows it: the words to type, its help, and its parameters."""

    words: str
    help: str
    parameters: list[Any]


def commands(command: Any = None, words: str = "digest") -> Iterator[Command]:
    command = command or typer.main.get_command(app)
    yield Command(words, command.help or "", [one for one in command.params if one.name != "help"])
    if isinstance(command, TyperGroup):
        context = command.make_context(words, [], resilient_parsing=True)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{words} {name}")


COMMANDS = list(commands())


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_example_settings_name_every_variable_once_and_no_other() -> None:
    named = re.findall(r"^(?:# )?(DIGEST_[A-Z0-9_]+)=", read(".env.example"), re.MULTILINE)
    assert sorted(named) == sorted(VARIABLES)


def test_the_example_settings_show_the_defaults(tmp_path: Path) -> None:
    shown = re.sub(r"^DIGEST_.*$", "", read(".env.example"), flags=re.MULTILINE)
    file = tmp_path / ".env"
    file.write_text(re.sub(r"^# (DIGEST_)", r"\1", shown, flags=re.MULTILINE), encoding="utf-8")
    assert load({}, env_file=file) == load({}, env_file=None)


def test_the_example_settings_lack_nothing_but_a_secret_of_ones_own(tmp_path: Path) -> None:
    settings = load({"DIGEST_SECRET_KEY": "0123456789abcdef" * 4}, env_file=ROOT / ".env.example")
    assert missing_for_sending(settings) == []
    assert len(missing_for_sending(load({}, env_file=ROOT / ".env.example"))) == 1


@pytest.mark.parametrize("page", [".env.example", "docs/reference/settings.md"])
def test_a_secret_may_stand_in_a_file_and_the_docs_say_so(page: str) -> None:
    text = read(page)
    missing = [f"{name}_FILE" for name, field in VARIABLES.items() if is_secret(field)]
    assert [name for name in missing if name not in text] == []


def test_every_setting_of_the_example_is_explained_above_it() -> None:
    lines = read(".env.example").splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"(# )?DIGEST_\w+=", line) and not re.match(r"# [A-Za-z].{10,}", before)
    ]
    assert bare == []


def test_the_reference_of_settings_has_every_variable_and_no_other() -> None:
    rows = re.findall(r"^\| `(DIGEST_[A-Z0-9_]+)`", read("docs/reference/settings.md"), re.MULTILINE)
    assert sorted(rows) == sorted(VARIABLES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_variable_that_does_not_exist(page: Path) -> None:
    known = {*VARIABLES, *(f"{name}_FILE" for name, field in VARIABLES.items() if is_secret(field))}
    text = page.read_text(encoding="utf-8").replace(
        "DIGEST_STMP__HOST", ""
    )  # a typo that is the point of its page
    named = set(re.findall(r"DIGEST_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_…])", text))
    assert named - known - {"DIGEST_TESTS_REQUIRE_BROWSER"} == set()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_a_command_and_its_options_have_help(command: Command) -> None:
    assert command.help.strip()
    assert [one.name for one in command.parameters if not getattr(one, "help", None)] == []


def test_the_reference_of_commands_has_every_command_and_no_other() -> None:
    told = {one.strip("`") for one in headings(read("docs/reference/commands.md")) if one.startswith("`")}
    assert told == {command.words for command in COMMANDS if command.words != "digest"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_the_reference_tells_each_command_with_all_it_takes(command: Command) -> None:
    page = read("docs/reference/commands.md")
    part = (
        page
        if command.words == "digest"
        else page.partition(f"# `{command.words}`\n")[2].partition("\n## ")[0]
    )
    part = part if command.words == "digest" else part.partition("\n### ")[0]
    takes = [
        name
        for one in command.parameters
        for name in (one.opts if one.param_type_name == "option" else [one.name.upper()])
    ]
    assert [name for name in takes if f"`{name}`" not in part] == []
    assert command.words == "digest" or " ".join(command.help.split()) in " ".join(part.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_types_only_commands_that_exist(page: Path) -> None:
    words = {command.words for command in COMMANDS}
    groups = {one.words for one in COMMANDS if any(other.startswith(f"{one.words} ") for other in words)}
    typed = re.findall(
        r"(?:^|[`/\s])digest ([a-z-]+)(?: ([a-z-]+))?(?=[\s`|,.;:]|$)", code(page), re.MULTILINE
    )
    wrong = [
        (first, second)
        for first, second in typed
        if f"digest {first}" not in words
        or (f"digest {first}" in groups and second and f"digest {first} {second}" not in words)
    ]
    assert wrong == []


def code(page: Path) -> str:
    """What a page shows as code, inline or in blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(block for _, block in code_blocks(text))
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return blocks + "\n" + "\n".join(re.findall(r"`(digest [^`]+)`", outside))


def test_the_changelog_has_the_version_of_the_program() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert version == __version__
    assert headings(read("CHANGELOG.md"))[1].split()[0] == version


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_only_to_what_is_there(page: Path) -> None:
    inside = [link for link in links(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_speaks_of_the_product_only(page: Path) -> None:
    assert FORBIDDEN.findall(page.read_text(encoding="utf-8")) == []


def test_every_decision_has_its_number_a_status_and_its_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    for number, page in enumerate(pages, start=1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:04d}-")
        assert f"({page.name})" in read("docs/decisions/README.md")
        assert headings(text)[1:] == ["Context", "Decision", "Consequences"]
        assert "\nStatus: " in text


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert named - targets == set()


@pytest.mark.soak  # nine programs are started one after another
@pytest.mark.timeout(300)
def test_the_tour_of_the_readme_works_as_written(tmp_path: Path) -> None:
    """The lines are run by a real shell; only ports, and the set-up that this very test runs in, are replaced."""
    copytree(ROOT / "docs" / "tour", tmp_path / "docs" / "tour")
    tour = read("README.md").partition("<!-- tour")[2].partition("**Open the pages.**")[0]
    lines = "\n".join(block for _, block in code_blocks(tour))
    lines = lines.replace("make install\n. .venv/bin/activate\n", "")
    feed, mail = free_port(), free_port()
    lines = lines.replace("8090", feed).replace("8025", mail)
    lines = lines.replace(
        "cp docs/tour/settings.env .env", f"sed s/8025/{mail}/ docs/tour/settings.env > .env"
    )
    feed_file = tmp_path / "docs" / "tour" / "feed.xml"
    feed_file.write_text(feed_file.read_text(encoding="utf-8").replace("8090", feed), encoding="utf-8")
    told = shell(lines, tmp_path)
    assert "It was sent in the edition of" in told
    assert "does not match" in told
    assert "A_battery_made_of_sand" in told


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def shell(lines: str, folder: Path) -> str:
    """What the lines print; a line that fails ends them and this test, and whatever they started ends with them."""
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    script = [which("bash") or "sh", "-e", "-c", lines]
    with (folder / "told").open("w+", encoding="utf-8") as told:
        process = subprocess.Popen(
            script, cwd=folder, env=environment, stdout=told, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait(timeout=250)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        told.seek(0)
        text = told.read()
    assert code == 0, text
    return text
