"""A publisher's own template renders apart: a greedy one costs one content, never a worker, and reads nothing but its context."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.rendering import KINDS, RenderError, TemplateError, Templates, TooLargeError, directories, samples
from digest.rendering.mails import Mails
from digest.rendering.own import RESERVED, own_kinds
from tests.support.mailroom import catalogues

SHIPPED = directories()[0]
GOODBYE = '{% extends "base.html.j2" %}\n{% block main %}\n<h1>Tschüss</h1>\nBODY\n{% endblock %}\n'


class Shop:
    """A publisher with templates of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "email").mkdir()
        self.templates: list[Templates] = []

    def open(self, **files: str) -> Templates:
        """Templates with these files in place of the shipped ones; __ stands for a dot."""
        for name, source in files.items():
            (self.folder / "email" / name.replace("__", ".")).write_text(source, "utf-8")
        made = Templates((self.folder, SHIPPED), publisher=samples.PUBLISHER, language="de")
        self.templates.append(made)
        return made

    def goodbye(self, body: str) -> Templates:
        return self.open(goodbye__html__j2=GOODBYE.replace("BODY", body))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    for templates in made.templates:
        templates.close()


def goodbye(templates: Templates) -> str:
    return templates.mail("goodbye", lang="de", context=samples.system("goodbye")).html_text


def load(templates: Templates) -> None:
    """What `check` does for the one kind that is the publisher's own."""
    templates._own.load("goodbye", languages=["de"])


def test_a_publishers_words_stand_in_the_mail(shop: Shop) -> None:
    html = goodbye(shop.goodbye("<p>Bis bald, {{ subscriber.address }}!</p>"))
    assert "Bis bald, ann@example.org!" in html
    assert "Impressum" in html


def test_only_the_kinds_that_use_a_publishers_file_are_rendered_apart(shop: Shop) -> None:
    assert own_kinds((SHIPPED,), KINDS) == frozenset()
    shop.goodbye("")
    assert own_kinds((shop.folder, SHIPPED), KINDS) == {"goodbye"}
    shop.open(facts__html__j2="<p>x</p>")
    assert own_kinds((shop.folder, SHIPPED), KINDS) == {"goodbye", "confirmation", "already", "welcome"}


def test_a_fault_is_told_by_file_and_line_when_it_is_loaded(shop: Shop) -> None:
    with pytest.raises(TemplateError, match=r"goodbye\.html\.j2:4: <script>"):
        load(shop.goodbye("<script>x</script>"))


def test_an_unknown_name_is_found_before_anything_is_sent(shop: Shop) -> None:
    with pytest.raises(TemplateError, match=r"rendering a sample failed: .*nonsense"):
        load(shop.goodbye("{{ nonsense }}"))


def test_whatever_breaks_a_limit_costs_one_mail_and_the_next_is_made(shop: Shop) -> None:
    loop = "{% for a in mail.subject %}" * 9 + "{% set z = 1 %}" + "{% endfor %}" * 9
    grow = "".join(f'{{% set a{n + 1} = a{n}|replace("y", "{"y" * 100}") %}}' for n in range(6))
    large = "{% for a in mail.subject %}" * 3 + "x" * 400 + "{% endfor %}" * 3
    templates = shop.goodbye(
        f"{{% if mail.sent_on == 'loop' %}}{loop}{{% elif mail.sent_on == 'grow' %}}{{% set a0 = 'y' %}}{grow}{{{{ a6 }}}}"
        f"{{% elif mail.sent_on == 'large' %}}{large}{{% endif %}}".replace("mail.sent_on", "data.request")
    )
    told = {
        "loop": (RenderError, "longer than the 2 seconds"),
        "grow": (RenderError, "256 MiB"),
        "large": (TooLargeError, "1,048,576 are allowed"),
    }
    for what, (error, reason) in told.items():
        context = samples.system("goodbye")
        context["data"]["request"] = what
        with pytest.raises(error, match=reason):
            templates.mail("goodbye", lang="de", context=context)
        context["data"]["request"] = "nothing"
        assert "Tschüss" in templates.mail("goodbye", lang="de", context=context).html_text


def test_a_file_beyond_64_kibibytes_is_refused(shop: Shop) -> None:
    with pytest.raises(TemplateError, match="octets"):
        load(shop.goodbye("x" * 70_000))


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_head_preheader_footer_and_promos_stay_as_shipped(shop: Shop, name: str) -> None:
    templates = shop.open(**{name.replace(".", "__"): "<p>mine</p>"})
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
def test_a_template_reads_nothing_but_its_context(shop: Shop, body: str) -> None:
    shop.goodbye(body)
    mails = Mails((shop.folder, SHIPPED), publisher=samples.PUBLISHER, catalogues=catalogues())
    with pytest.raises((TemplateError, RenderError)):
        mails.render("goodbye", lang="de", context=samples.system("goodbye"), stem="", is_text_only=False)


def test_the_child_inherits_no_secret_and_no_file(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SECRET_KEY", "a secret")
    templates = shop.goodbye("")
    goodbye(templates)
    child = templates._own._child
    assert child is not None
    process = Path(f"/proc/{child.pid}")
    assert b"DIGEST" not in (process / "environ").read_bytes()
    assert {each.name for each in (process / "fd").iterdir()} == {"0", "1", "2"}
