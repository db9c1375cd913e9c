"""Text from a feed, form or setting can never add, end or change a header."""

from email.header import decode_header, make_header
from email.headerregistry import HeaderRegistry

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.mail.errors import HeaderError
from digest.mail.headers import Folded, Mailbox, Text, Uris, cleaned, header


@given(st.text(max_size=200))
@settings(max_examples=150)
@example("Bcc: eve@example.org\r\nBcc: eve@example.org")
@example("=?utf-8?Q?evil=0D=0ABcc:_eve?=")
@example("\ud800\uffff\u202etxt.exe")
@example("\u2028\x00\x85")
def test_a_subject_is_one_field_that_says_what_was_meant(text: str) -> None:
    meant = cleaned(text, limit=998)
    if not meant:
        with pytest.raises(HeaderError):
            header("Subject", Text(text))
        return
    written = header("Subject", Text(text))
    lines = written.removesuffix(b"\r\n").split(b"\r\n")
    assert lines[0].startswith(b"Subject: ")
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 78 and all(0x20 <= octet < 0x7F for octet in line) for line in lines)
    unfolded = written.decode().removeprefix("Subject: ").replace("\r\n", "").strip()
    assert str(make_header(decode_header(unfolded))) == meant


@given(st.text(max_size=100))
@settings(max_examples=100)
@example('Eve" <eve@example.org>, "')
@example("News, GmbH")
@example("0000\u00a1\u00a1\u0800\u05e9\u05c1" + "\U00010000" * 9)
def test_a_sender_name_never_changes_the_address(name: str) -> None:
    written = header("From", Mailbox(name=name, address="news@example.org"))
    value = written.decode().removeprefix("From: ").replace("\r\n", "").strip()
    (address,) = HeaderRegistry()("From", value).addresses
    assert address.addr_spec == "news@example.org"
    assert _name(value, address.display_name) == cleaned(name, limit=64)


def _name(value: str, parsed: str) -> str:
    """The name; of encoded words by decode_header, since the address parser puts spaces between them."""
    return str(make_header(decode_header(value.rpartition(" <")[0]))) if "=?" in value else parsed


@pytest.mark.parametrize("length", [28, 77, 78, 79, 300, 900])
def test_a_one_click_address_stays_whole_at_any_length(length: int) -> None:
    url = "https://news.example.org/u/".ljust(length, "x")
    written = header("List-Unsubscribe", Uris((url, "mailto:leave@example.org")))
    assert written == f"List-Unsubscribe: <{url}>,\r\n <mailto:leave@example.org>\r\n".encode()


@pytest.mark.parametrize("value", ["", " ", "a\r\nb", "ü", "tab\there", "=?utf-8?Q?x?=", "nul\0"])
def test_nothing_but_plain_ascii_stands_in_other_headers(value: str) -> None:
    with pytest.raises(HeaderError):
        header("To", value)


@pytest.mark.parametrize("value", ["https://x.example/a b", "https://x.example/>", "https://x.example/,"])
def test_a_list_address_cannot_hold_what_would_end_it(value: str) -> None:
    with pytest.raises(HeaderError):
        header("List-Unsubscribe", Uris((value,)))


def test_a_line_of_more_than_998_octets_is_refused() -> None:
    with pytest.raises(HeaderError, match="998"):
        header("List-Help", "<https://example.org/" + "x" * 1000 + ">")


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(HeaderError):
        header("Bcc: eve@example.org\r\nX", "y")


def test_a_character_is_never_cut_in_two() -> None:
    words = header("Subject", Text("😀" * 40)).decode().split()[1:]
    decoded = [decode_header(word)[0][0] for word in words]
    assert all(isinstance(octets, bytes) and set(octets.decode()) == {"😀"} for octets in decoded)


def test_the_shorter_encoding_is_chosen() -> None:
    assert b"?Q?" in header("Subject", Text("Die Größe zählt in diesem einen Satz kaum"))
    assert b"?B?" in header("Subject", Text("Новости"))


def test_folded_pieces_break_nowhere_else() -> None:
    written = header("DKIM-Signature", Folded(tuple(f" t{number}=value;" for number in range(20))))
    assert all(line.endswith(b";") for line in written.split(b"\r\n")[:-1])


def test_encoded_words_fit_their_lines() -> None:
    written = header("Subject", Text("ü" * 300))
    assert all(len(line) <= 76 for line in written.split(b"\r\n"))
    assert all(len(word) <= 75 for word in written.split()[1:])
