"""A whole mail: exactly the headers of the table, bytes no relay needs to touch, the same twice."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header

import pytest

from digest.mail.errors import AddressError, HeaderError, SlotError
from digest.mail.message import Letterhead, ListMail, compose, prepare, rfc5322_date
from digest.mail.parts import Shelf
from digest.mail.slots import Slot
from digest.rendering import samples
from digest.rendering.cards import Fragment
from digest.rendering.mails import Rendered
from tests.support import mailroom
from tests.support.mail import LIST_NAMES, SYSTEM_NAMES, faults, read, undotted_is_identity

SYSTEM_KINDS = ("confirmation", "already", "manage", "address_change", "address_changed", "goodbye")


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("items", [1, 8, 15])
def test_an_edition_has_exactly_the_headers_of_the_table(items: int, lang: str) -> None:
    mail = mailroom.edition_mail(items, lang=lang)
    assert read(mail.data).names == ("DKIM-Signature", "DKIM-Signature", *LIST_NAMES)
    assert faults(mail.data) == []
    assert undotted_is_identity(mail.data)


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("kind", SYSTEM_KINDS)
def test_a_system_mail_is_no_list_mail(kind: str, lang: str) -> None:
    mail = mailroom.system_mail(kind, lang=lang, is_signed=False)
    assert read(mail.data).names == SYSTEM_NAMES
    assert faults(mail.data) == []


def test_a_welcome_is_list_mail() -> None:
    assert read(mailroom.system_mail("welcome", is_signed=False).data).names == LIST_NAMES


def test_the_values_of_the_list_headers_are_those_of_the_table() -> None:
    mail = read(mailroom.edition_mail().data)
    url = f"https://news.example.org/u/{mailroom.TOKEN}"
    assert mail.raw("Date") == b"Sun, 22 Nov 2026 06:00:03 +0000"
    assert mail.raw("From") == b"Morgenblick <news@example.org>"
    assert mail.raw("To") == b"ann@example.org"
    assert mail.raw("List-Id") == b"Morgenblick <digest.example.org>"
    assert mail.raw("List-Unsubscribe").startswith(f"<{url}>, <mailto:leave+7.".encode())
    assert mail.raw("List-Unsubscribe-Post") == b"List-Unsubscribe=One-Click"
    assert mail.raw("List-Help") == b"<https://news.example.org/manage>"
    assert mail.raw("List-Archive") == b"<https://news.example.org/archive>"
    assert mail.raw("Feedback-ID").startswith(b"e12:daily:edition:dg")
    assert mail.raw("Auto-Submitted") == b"auto-generated"
    assert mail.raw("Precedence") == b"bulk"
    assert mail.raw("Content-Language") == b"de"


def test_composed_twice_it_is_the_same_octet_for_octet() -> None:
    assert mailroom.edition_mail().data == mailroom.edition_mail().data
    assert mailroom.system_mail("confirmation").data == mailroom.system_mail("confirmation").data


def test_another_content_has_another_boundary() -> None:
    one, other = (read(mailroom.edition_mail(items).data).raw("Content-Type") for items in (1, 8))
    assert one != other


def test_the_standard_library_reads_both_parts_without_a_defect() -> None:
    for name, mail in mailroom.goldens(is_signed=False):
        parsed = email.message_from_bytes(mail.data, policy=email.policy.default)
        parts = list(parsed.iter_parts())
        assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"], name
        assert not any(part.defects for part in [parsed, *parts]), name
        ours = read(mail.data)
        assert [part.get_content().replace("\r\n", "\n") for part in parts] == [ours.text, ours.html], name


def test_every_token_is_one_physical_line() -> None:
    body = mailroom.edition_mail().data.partition(b"\r\n\r\n")[2]
    token = mailroom.TOKEN.encode()
    assert body.count(token) == body.count(b"\r\n" + token + b"=\r\n") > 10


def test_the_reader_finds_her_address_and_her_links() -> None:
    mail = read(mailroom.edition_mail().data)
    for part in (mail.text, mail.html):
        assert "ann@example.org" in part
        assert "12. März 2026" in part
        for path in ("u", "p", "v", "m"):
            assert f"https://news.example.org/{path}/{mailroom.TOKEN}" in part
        assert "\nQ" not in part


def test_a_text_only_mail_is_one_part() -> None:
    prepared = mailroom.prepared_edition(is_text_only=True)
    mail = compose(
        prepared, letterhead=mailroom.LETTERHEAD, envelope=mailroom.ENVELOPES.system(delivery_id=1, kind="x", recipient="a@b"),
        dated_at=mailroom.DATED_AT, slots=mailroom.SLOTS,
    )  # fmt: skip
    got = read(mail.data)
    assert got.names == (*SYSTEM_NAMES, "Content-Transfer-Encoding")
    assert got.html == ""
    assert "8 neue Artikel zu deinen Themen" in got.text
    assert faults(mail.data) == []


def test_a_value_that_is_missing_fails_this_mail_alone() -> None:
    prepared = mailroom.prepared_edition(1)
    with pytest.raises(SlotError, match="no value for slot mute"):
        compose(
            prepared, letterhead=mailroom.LETTERHEAD, envelope=mailroom.ENVELOPES.system(delivery_id=1, kind="x", recipient="a@b"),
            dated_at=mailroom.DATED_AT, slots={slot: text for slot, text in mailroom.SLOTS.items() if slot is not Slot.MUTE},
        )  # fmt: skip


def test_list_mail_without_an_unsubscribe_link_in_a_part_is_refused() -> None:
    stem = "Qabcdef0123456789Q"
    link = f"https://news.example.org/u/{stem}u"
    html, text = (Fragment(f"<a href='{link}'>x</a>\n", stem),), (Fragment("nothing\n", stem),)
    with pytest.raises(SlotError, match="no unsubscribe link"):
        prepare(
            Rendered("edition", "de", "S", html, text), prefixes=mailroom.PREFIXES, needs=[Slot.UNSUBSCRIBE]
        )


def test_a_shelf_changes_no_octet() -> None:
    shelf = Shelf()
    plain, shelved, again = (mailroom.prepared_edition(shelf=each) for each in (None, shelf, shelf))
    assert plain.pieces == shelved.pieces == again.pieces
    assert plain.content_headers == again.content_headers


def test_a_shelf_stays_within_its_limit() -> None:
    shelf = Shelf(limit=4000)
    for number in range(50):
        shelf.encoded(Fragment(f"{number} " + "x" * 500, "", is_shared=True), is_html=False, prefixes={})
    assert shelf.size <= 4000


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"address": "news@exämple.org"}, AddressError),
        ({"reply_to": "a b@example.org"}, AddressError),
        ({"list_id": "digest\r\nBcc: eve"}, HeaderError),
        ({"help_url": "https://news.example.org/ü"}, HeaderError),
        ({"sender_id": "four"}, HeaderError),
        ({"sender_id": "x" * 16}, HeaderError),
    ],
)
def test_a_letterhead_that_cannot_be_written_is_told_at_start(
    change: dict[str, str], error: type[Exception]
) -> None:
    values = {
        "name": "News",
        "address": "news@example.org",
        "help_url": "https://news.example.org/manage",
        **change,
    }
    with pytest.raises(error):
        Letterhead(**values)


def test_hostile_settings_add_no_header() -> None:
    letterhead = replace(mailroom.LETTERHEAD, name="News\r\nBcc: eve@example.org", list_name="Größe\r\nX: y")
    envelope = mailroom.ENVELOPES.system(delivery_id=1, kind="x", recipient="ann@example.org")
    mail = compose(
        mailroom.prepared_edition(1), letterhead=letterhead, envelope=envelope, dated_at=mailroom.DATED_AT,
        slots=mailroom.SLOTS, list_mail=mailroom.LIST_MAIL,
    )  # fmt: skip
    assert read(mail.data).names == LIST_NAMES


@pytest.mark.parametrize("field", ["unsubscribe", "campaign"])
def test_a_value_with_a_line_end_fails_the_mail(field: str) -> None:
    hostile = ListMail(
        **{
            "unsubscribe": "https://x.example/u/t",
            "campaign": "e1:daily:edition",
            field: "x\r\nBcc: eve@example.org",
        }
    )
    envelope = mailroom.ENVELOPES.system(delivery_id=1, kind="x", recipient="ann@example.org")
    with pytest.raises(HeaderError):
        compose(
            mailroom.prepared_edition(1), letterhead=mailroom.LETTERHEAD, envelope=envelope, dated_at=mailroom.DATED_AT,
            slots=mailroom.SLOTS, list_mail=hostile,
        )  # fmt: skip


def test_dates_are_in_utc_whatever_the_zone() -> None:
    east = datetime(2026, 1, 4, 0, 30, tzinfo=UTC).astimezone(tz=None) + timedelta(0)
    assert rfc5322_date(east) == "Sun, 04 Jan 2026 00:30:00 +0000"


def test_recipient_and_to_are_the_stored_address() -> None:
    mail = mailroom.edition_mail()
    assert mail.recipient.encode() == read(mail.data).raw("To")
    assert mail.sender.startswith("bounce+7.")


def test_a_block_that_is_not_the_expected_one_never_leaves() -> None:
    """Whatever the writer let through, the scanner would not."""
    prepared = replace(mailroom.prepared_edition(1), subject=b"Subject: x\r\nBcc: eve@example.org\r\n")
    envelope = mailroom.ENVELOPES.system(delivery_id=1, kind="x", recipient="ann@example.org")
    with pytest.raises(HeaderError, match="expected fields"):
        compose(
            prepared, letterhead=mailroom.LETTERHEAD, envelope=envelope, dated_at=mailroom.DATED_AT, slots=mailroom.SLOTS,
        )  # fmt: skip


@pytest.mark.parametrize("text", ["no line end", "one\n", "spaces  \n\n\n"])
def test_a_part_ends_in_a_full_line_end(text: str) -> None:
    parts = (Fragment(text, ""),)
    prepared = prepare(Rendered("x", "de", "S", parts, parts), prefixes={})
    body = b"".join(prepared.pieces)
    assert b"=\r\n--=_" not in body
    assert b"\r\n--=_" in body


def test_a_part_that_ends_in_a_slot_is_refused() -> None:
    parts = (Fragment("Qabcdef0123456789Qa", "Qabcdef0123456789Q"),)
    with pytest.raises(SlotError, match="must end in text"):
        prepare(Rendered("x", "de", "S", parts, parts), prefixes={})


HOSTILE = {
    "a header": "Neu\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>",
    "an encoded word": "=?utf-8?Q?Neu=0D=0ABcc:_eve=40example.org?=",
    "controls and bidi marks": "\u202eNeu\u2066\x00\x07\x85\u2028 aus der Welt",
    "ten thousand characters": "Wort " * 2_000,
    "nothing but emoji": "🚀" * 200,
    "a marker look-alike": "Q0123456789abcdefQu https://news.example.org/u/Q0123456789abcdefQu",
    "dots and From": ".\n.\nFrom eve\n.\r\n",
    "template syntax": "{{ 7 * 7 }} {% for x in y %} %(site)s %s",
}


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_a_feed_says_the_headers_are_those_of_the_table(title: str) -> None:
    context = samples.edition(2, promos=2)
    for item in context["sections"][0]["items"]:
        change = dict.fromkeys(("title", "teaser", "source", "author"), title[:200])
        item.update(change)  # type: ignore[typeddict-item]  # the names are Item's
    rendered = mailroom.templates().mail("edition", lang="de", context=context)
    mail = compose(
        prepare(rendered, prefixes={}), letterhead=mailroom.LETTERHEAD,
        envelope=mailroom.ENVELOPES.system(delivery_id=1, kind="x", recipient="ann@example.org"),
        dated_at=mailroom.DATED_AT, slots={}, list_mail=mailroom.LIST_MAIL,
    )  # fmt: skip
    got = read(mail.data)
    assert got.names == LIST_NAMES
    assert faults(mail.data) == []
    subject = str(make_header(decode_header(got.raw("Subject").decode())))
    assert subject.isprintable()
    assert len(subject) <= 60
    assert "<script" not in got.html
    assert "7 * 7" in got.html or "7 * 7" not in title
