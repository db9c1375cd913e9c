"""A publisher's own template renders apart: a greedy one costs one content, never a worker, and reads nothing but its context."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from digest.rendering import KINDS, RenderError, TemplateError, Templates, TooLargeError, directories, samples
from digest.rendering.mails import Mails
from digest.rendering.own import RESERVED, own_kinds
from tests.support.mailroom import catalogues

SHIPPED = directories()[0]
LOOP = "{% for a in mail.subject %}" * 9 + "{% set z = 1 %}" + "{% endfor %}" * 9
GROW = "{% set a0 = 'y' %}" + "".join(
    f'{{% set a{n + 1} = a{n}|replace("y", "{"y" * 100}") %}}' for n in range(6)
)
LARGE = "{% for a in mail.subject %}" * 3 + "x" * 400 + "{% endfor %}" * 3
GREEDY = (
    f"{{% if data.request == 'loop' %}}{LOOP}{{% elif data.request == 'grow' %}}{GROW}{{{{ a6 }}}}"
    f"{{% elif data.request == 'large' %}}{LARGE}{{% endif %}}"
)


def main(body: str) -> str:
    return f'{{% extends "base.html.j2" %}}\n{{% block main %}}\n<h1>Tschüss</h1>\n{body}\n{{% endblock %}}\n'


def opened(folder: Path, files: Mapping[str, str]) -> Templates:
    """Templates with these files in place of the shipped ones."""
    (folder / "email").mkdir(exist_ok=True)
    for name, source in files.items():
        (folder / "email" / name).write_text(source, "utf-8")
    return Templates((folder, SHIPPED), publisher=samples.PUBLISHER, language="de")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """A publisher with a greedy farewell, a script in one mail and an unknown name in another; one child serves all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGEST_SECRET_KEY", "a secret")
        files = {
            "goodbye.html.j2": main("<p>Bis bald, {{ subscriber.address }}!</p>" + GREEDY),
            "manage.html.j2": main("<script>x</script>"),
            "address_changed.html.j2": main("{{ nonsense }}"),
        }
        templates = opened(tmp_path_factory.mktemp("shop"), files)
        yield templates
        templates.close()


def goodbye(templates: Templates, request: str = "") -> str:
    context = samples.system("goodbye")
    context["data"]["request"] = request
    return templates.mail("goodbye", lang="de", context=context).html_text


def load(templates: Templates, kind: str) -> None:
    """What `check` does for one kind."""
    templates._own.load(kind, languages=["de"])


def test_a_publishers_words_stand_in_the_mail(shop: Templates) -> None:
    html = goodbye(shop)
    assert "Bis bald, ann@example.org!" in html
    assert "Impressum" in html


def test_only_the_kinds_that_use_a_publishers_file_are_rendered_apart(tmp_path: Path) -> None:
    assert own_kinds((SHIPPED,), KINDS) == frozenset()
    opened(tmp_path, {"goodbye.html.j2": main("")})
    assert own_kinds((tmp_path, SHIPPED), KINDS) == {"goodbye"}
    opened(tmp_path, {"facts.html.j2": "<p>x</p>"})
    assert own_kinds((tmp_path, SHIPPED), KINDS) == {"goodbye", "confirmation", "already", "welcome"}


def test_a_fault_is_told_by_file_and_line_when_it_is_loaded(shop: Templates) -> None:
    with pytest.raises(TemplateError, match=r"manage\.html\.j2:4: <script>"):
        load(shop, "manage")


def test_an_unknown_name_is_found_before_anything_is_sent(shop: Templates) -> None:
    with pytest.raises(TemplateError, match=r"rendering a sample failed: .*nonsense"):
        load(shop, "address_changed")


@pytest.mark.parametrize(
    ("request_", "error", "reason"),
    [
        ("loop", RenderError, "longer than the 2 seconds"),
        ("grow", RenderError, "256 MiB"),
        ("large", TooLargeError, "1,048,576 are allowed"),
    ],
)
def test_whatever_breaks_a_limit_costs_one_mail_and_the_next_is_made(
    shop: Templates, monkeypatch: pytest.MonkeyPatch, request_: str, error: type[Exception], reason: str
) -> None:
    goodbye(shop)
    if request_ == "loop":  # it would take for ever: half a second tells as much as two
        monkeypatch.setattr(shop._own, "render_time", timedelta(seconds=0.5))
    with pytest.raises(error, match=reason):
        goodbye(shop, request_)
    monkeypatch.undo()
    assert "Tschüss" in goodbye(shop)


def test_the_child_inherits_no_secret_and_no_file(shop: Templates) -> None:
    goodbye(shop)
    child = shop._own._child
    assert child is not None
    process = Path(f"/proc/{child.pid}")
    assert b"DIGEST" not in (process / "environ").read_bytes()
    assert {each.name for each in (process / "fd").iterdir()} == {"0", "1", "2"}


def test_a_file_beyond_64_kibibytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="octets"):
        load(opened(tmp_path, {"goodbye.html.j2": main("x" * 70_000)}), "goodbye")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_head_preheader_footer_and_promos_stay_as_shipped(tmp_path: Path, name: str) -> None:
    templates = opened(tmp_path, {name: "<p>mine</p>"})
    with pytest.raises(TemplateError, match=rf"{name}:1: this file is part of every mail"):
        templates.check()


@pytest.mark.parametrize(
    "body",
    [
        "{{ mail.__class__ }}",
        "{{ mail['__class__'] }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ mail.subject.format }}",
        "{{ mail.subject['format'] }}",
        "{{ language.gettext }}",
        "{{ self.__init__ }}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 999 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ range(9) }}",
        "{{ cycler(1) }}",
        "{{ lipsum() }}",
        "{{ mail.update({}) }}",
    ],
)
def test_a_template_reads_nothing_but_its_context(tmp_path: Path, body: str) -> None:
    opened(tmp_path, {"goodbye.html.j2": main(body)})
    mails = Mails((tmp_path, SHIPPED), publisher=samples.PUBLISHER, catalogues=catalogues())
    with pytest.raises((TemplateError, RenderError)):
        mails.render("goodbye", lang="de", context=samples.system("goodbye"), stem="", is_text_only=False)
