"""A token opens exactly the door it was made for, for exactly as long as it says."""

import base64
import hmac
import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.errors import ExpiredToken, InvalidToken, TokenError
from subscribers.keys import derive
from subscribers.tokens import (
    LIFETIMES,
    MAX_VERSION,
    NO_SUBJECT,
    Claims,
    Purpose,
    Signer,
    SigningKeys,
    trimmed,
)

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=800)
KEY, OTHER, THIRD = b"a" * 32, b"b" * 32, b"c" * 32
SIGNER = Signer(keys=SigningKeys(KEY))
ANN = UUID("11111111-2222-4333-8444-555555555555")
ALPHABET = string.ascii_letters + string.digits + "-_"


def token(
    purpose: Purpose, subject: UUID = ANN, *, signer: Signer = SIGNER, version: int = 0, **more: bool
) -> str:
    life = LIFETIMES[purpose]
    return signer.sign(purpose, subject, version=version, expires_at=life and NOW + life, **more)


purposes = st.sampled_from(list(Purpose))


@given(purpose=purposes, subject=st.uuids(), version=st.integers(0, MAX_VERSION), is_test=st.booleans())
def test_what_was_signed_is_read_back(purpose: Purpose, subject: UUID, version: int, is_test: bool) -> None:
    text = token(purpose, subject, version=version, is_test=is_test)
    life = LIFETIMES[purpose]
    expires_at = None if life is None else NOW + life
    assert SIGNER.read(purpose, text, now=NOW) == Claims(purpose, subject, version, expires_at, is_test)
    assert len(text) == (50 if life is None else 55)
    assert set(text) <= set(ALPHABET)


@given(purpose=purposes, bit=st.integers(0, 41 * 8 - 1))
def test_any_flipped_bit_is_refused(purpose: Purpose, bit: int) -> None:
    text = token(purpose)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[bit // 8 % len(raw)] ^= 1 << bit % 8
    changed = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        SIGNER.read(purpose, changed, now=NOW)


@given(purpose=purposes, end=st.integers(0, 54))
def test_a_cut_token_is_refused(purpose: Purpose, end: int) -> None:
    text = token(purpose)
    with pytest.raises(InvalidToken):
        SIGNER.read(purpose, text[: min(end, len(text) - 1)], now=NOW)


@given(purpose=purposes, extra=st.text(min_size=1, max_size=8))
def test_an_extended_token_is_refused(purpose: Purpose, extra: str) -> None:
    for changed in (token(purpose) + extra, extra + token(purpose)):
        with pytest.raises(InvalidToken):
            SIGNER.read(purpose, changed, now=NOW)


@given(purpose=purposes, text=st.text(max_size=80) | st.text(ALPHABET, min_size=50, max_size=55))
def test_random_text_is_refused(purpose: Purpose, text: str) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.read(purpose, text, now=NOW)


@given(purpose=purposes)
def test_another_spelling_of_the_same_bytes_is_refused(purpose: Purpose) -> None:
    text = token(purpose)
    spare = 4 if len(text) == 50 else 2
    last = ALPHABET.replace(string.ascii_letters, string.ascii_uppercase + string.ascii_lowercase)
    number = last.index(text[-1])
    assert number % spare == 0
    for add in range(1, spare):
        with pytest.raises(InvalidToken):
            SIGNER.read(purpose, text[:-1] + last[number + add], now=NOW)


@given(purpose=purposes, other=purposes)
def test_a_token_of_another_purpose_is_refused(purpose: Purpose, other: Purpose) -> None:
    if purpose is not other:
        with pytest.raises(InvalidToken):
            SIGNER.read(other, token(purpose), now=NOW)


@given(purpose=purposes)
def test_a_token_of_another_key_is_refused(purpose: Purpose) -> None:
    with pytest.raises(InvalidToken):
        SIGNER.read(purpose, token(purpose, signer=Signer(keys=SigningKeys(OTHER))), now=NOW)


@pytest.mark.parametrize(("place", "value"), [(0, 2), (0, 0), (0, 0x82), (2, 7), (2, 99)])
def test_a_body_of_another_format_or_purpose_is_refused_though_its_tag_is_right(
    place: int, value: int
) -> None:
    text = token(Purpose.UNSUBSCRIBE)
    body = bytearray(base64.urlsafe_b64decode(text + "==")[:-16])
    body[place] = value
    tag = hmac.digest(derive(KEY, Purpose.UNSUBSCRIBE), body, "sha256")[:16]
    with pytest.raises(InvalidToken):
        SIGNER.read(Purpose.UNSUBSCRIBE, base64.urlsafe_b64encode(body + tag).rstrip(b"=").decode(), now=NOW)


@pytest.mark.parametrize("purpose", [one for one, life in LIFETIMES.items() if life])
def test_a_token_ends_at_its_second(purpose: Purpose) -> None:
    text, end = token(purpose), NOW + LIFETIMES[purpose]
    assert SIGNER.read(purpose, text, now=end - timedelta(seconds=1)).expires_at == end
    with pytest.raises(ExpiredToken):
        SIGNER.read(purpose, text, now=end)


def test_a_forged_token_is_invalid_even_when_it_would_be_expired() -> None:
    forged = token(Purpose.CONFIRM, signer=Signer(keys=SigningKeys(OTHER)))
    with pytest.raises(InvalidToken):
        SIGNER.read(Purpose.CONFIRM, forged, now=LATER)


def test_an_old_key_still_verifies_every_purpose_but_signs_nothing() -> None:
    rotated = Signer(keys=SigningKeys(OTHER, old=(KEY,)))
    for purpose in Purpose:
        assert rotated.read(purpose, token(purpose), now=NOW).subject == ANN
        assert token(purpose, signer=rotated) == token(purpose, signer=Signer(keys=SigningKeys(OTHER)))


def test_after_a_leak_an_unsubscribe_key_verifies_unsubscribe_only() -> None:
    rotated = Signer(keys=SigningKeys(OTHER, old=(THIRD,), unsubscribe=(KEY,)))
    assert rotated.read(Purpose.UNSUBSCRIBE, token(Purpose.UNSUBSCRIBE), now=LATER).subject == ANN
    for purpose in set(Purpose) - {Purpose.UNSUBSCRIBE}:
        with pytest.raises(InvalidToken):
            rotated.read(purpose, token(purpose), now=NOW)


def test_two_keys_with_one_id_are_refused() -> None:
    first = next(
        b"%032d" % n for n in range(10**6) if Signer(keys=SigningKeys(b"%032d" % n))._id == SIGNER._id
    )
    with pytest.raises(ValueError, match="key id"):
        Signer(keys=SigningKeys(KEY, old=(first,)))


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_link_that_should_end_cannot_be_made_endless(purpose: Purpose) -> None:
    wrong = NOW if LIFETIMES[purpose] is None else None
    with pytest.raises(ValueError, match="expiry"):
        SIGNER.sign(purpose, NO_SUBJECT, expires_at=wrong)


@pytest.mark.parametrize("end", [".", ",", ")", ">", " ", ").", "\u00a0", ">,\r\n"])
def test_what_mail_programs_append_to_a_link_is_dropped(end: str) -> None:
    text = token(Purpose.UNSUBSCRIBE)
    assert trimmed(text + end) == text


def test_refusals_are_of_one_family() -> None:
    assert issubclass(InvalidToken, TokenError)
    assert issubclass(ExpiredToken, TokenError)


def test_the_key_schedule_is_that_of_rfc_5869() -> None:
    """Test case 3 of appendix A.3, with 32 octets: no salt, no info."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(b"\x0b" * 22, "").hex() == expected
