"""An address has one canonical form, and what we could not write to is never taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.addresses import Address, AddressProblem, canonical, masked, readable
from subscribers.errors import AddressError
from tests.unit.subscribers.bad_addresses import BAD


@pytest.mark.parametrize(
    ("text", "address", "key"),
    [
        ("ann@example.org", "ann@example.org", "ann@example.org"),
        ("  Ann.B@Example.ORG ", "Ann.B@example.org", "ann.b@example.org"),
        ("o'hara+news@sub.example.org", "o'hara+news@sub.example.org", "o'hara+news@sub.example.org"),
        ("ann@straße.example", "ann@xn--strae-oqa.example", "ann@xn--strae-oqa.example"),
        ("ann@MÜNCHEN.example", "ann@xn--mnchen-3ya.example", "ann@xn--mnchen-3ya.example"),
        ("ann@mu\u0308nchen.example", "ann@xn--mnchen-3ya.example", "ann@xn--mnchen-3ya.example"),
        ("ann@XN--MNCHEN-3YA.example", "ann@xn--mnchen-3ya.example", "ann@xn--mnchen-3ya.example"),
        (
            "!#$%&'*+/=?^_`{|}~-@example.org",
            "!#$%&'*+/=?^_`{|}~-@example.org",
            "!#$%&'*+/=?^_`{|}~-@example.org",
        ),
        ("a@b.example", "a@b.example", "a@b.example"),
        ("1@1.example", "1@1.example", "1@1.example"),
    ],
)
def test_a_good_address_has_one_form(text: str, address: str, key: str) -> None:
    assert canonical(text) == Address(address, key)
    assert canonical(address) == Address(address, key)


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_bad_address_is_refused_with_its_reason(text: str, problem: str) -> None:
    with pytest.raises(AddressError) as caught:
        canonical(text)
    assert caught.value.code == AddressProblem(problem)


def test_the_table_of_bad_addresses_is_long_and_has_no_twins() -> None:
    texts = [text for text, _ in BAD]
    assert len(texts) >= 195
    assert len(set(texts)) == len(texts)


def test_254_octets_are_accepted() -> None:
    domain = ".".join(["d" * 60, "e" * 60, "f" * 60, "example"])
    text = "a" * (254 - len(domain) - 1) + "@" + domain
    assert len(canonical(text).address) == 254
    with pytest.raises(AddressError):
        canonical("a" + text)


def test_64_octets_before_the_at_are_accepted() -> None:
    assert canonical("a" * 64 + "@example.org").address == "a" * 64 + "@example.org"


@given(st.text(max_size=300))
def test_any_text_gives_an_ascii_address_or_an_address_error(text: str) -> None:
    try:
        found = canonical(text)
    except AddressError:
        return
    assert found.address.isascii()
    assert len(found.address) <= 254
    assert canonical(found.address) == found


@given(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"]), st.integers(1, 14))
def test_no_invisible_character_gets_inside_an_address(character: str, place: int) -> None:
    with pytest.raises(AddressError):
        canonical("ann@example.org"[:place] + character + "ann@example.org"[place:])


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ann@example.org", "a•••@example.org"),
        ("a@example.org", "a•••@example.org"),
        ("ann@xn--mnchen-3ya.example", "a•••@münchen.example"),
    ],
)
def test_a_page_shows_an_address_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_people_read_the_domain_in_their_own_letters() -> None:
    assert readable("ann@xn--strae-oqa.example") == "ann@straße.example"
    assert readable("ann@example.org") == "ann@example.org"
