"""The names of a mail: the same on every attempt, another for everybody else, no address inside."""

from datetime import date
from uuid import UUID

import pytest

from digest.mail.envelope import Envelope, Envelopes, base36, sendable
from digest.mail.errors import AddressError

ANN, BEN = UUID(int=1), UUID(int=2)
SLOT = "daily 07:00 Europe/Berlin 2026-11-22"


def envelopes(
    *, bounce: str | None = "Bounce@example.org", unsubscribe: str | None = "leave@example.org"
) -> Envelopes:
    return Envelopes(secret=b"s" * 32, sender="news@example.org", bounce=bounce, unsubscribe=unsubscribe)


def edition(
    made: Envelopes, *, delivery_id: int = 7, subscriber: UUID = ANN, slot_key: str = SLOT
) -> Envelope:
    return made.edition(
        delivery_id=delivery_id, slot_key=slot_key, local_date=date(2026, 11, 22), subscriber=subscriber,
        recipient="ann@example.org",
    )  # fmt: skip


def test_every_attempt_has_the_same_names() -> None:
    assert edition(envelopes()) == edition(envelopes())


def test_the_message_id_of_an_edition_survives_a_restored_backup() -> None:
    one, other = edition(envelopes(), delivery_id=7), edition(envelopes(), delivery_id=8)
    assert one.message_id == other.message_id
    assert one.return_path != other.return_path


def test_another_reader_or_another_edition_shares_no_name() -> None:
    first = edition(envelopes())
    for other in (
        edition(envelopes(), subscriber=BEN, delivery_id=8),
        edition(envelopes(), slot_key="daily 08:00 Europe/Berlin 2026-11-22", delivery_id=9),
    ):
        assert first.message_id != other.message_id
        assert first.return_path != other.return_path
        assert first.unsubscribe_mailto != other.unsubscribe_mailto


def test_the_forms_are_those_of_the_table() -> None:
    made = edition(envelopes(), delivery_id=123_456)
    assert made.message_id.startswith("<e20261122.")
    assert len(made.message_id) == len("<e20261122.@example.org>") + 24
    assert made.return_path.startswith("bounce+2n9c.")
    assert made.return_path.endswith("@example.org")
    assert made.unsubscribe_mailto is not None
    assert made.unsubscribe_mailto.startswith("mailto:leave+2n9c.")
    assert made.unsubscribe_mailto.endswith("?subject=unsubscribe")
    assert made.envid == "d123456"
    text = made.message_id + made.return_path + made.unsubscribe_mailto
    assert text == text.lower()
    assert "ann" not in made.message_id.partition("@")[0]


def test_a_system_mail_is_named_by_kind_and_delivery() -> None:
    made = envelopes()
    one = made.system(delivery_id=7, kind="confirmation", recipient="ann@example.org")
    assert one.message_id.startswith("<s.")
    assert one.message_id != made.system(delivery_id=7, kind="manage", recipient="ann@example.org").message_id
    assert (
        one.message_id
        != made.system(delivery_id=8, kind="confirmation", recipient="ann@example.org").message_id
    )


def test_bounce_and_unsubscribe_proofs_differ() -> None:
    made = edition(envelopes(bounce="x@example.org", unsubscribe="x@example.org"))
    assert made.unsubscribe_mailto is not None
    assert made.return_path not in made.unsubscribe_mailto


def test_without_a_bounce_address_the_sender_stands_alone() -> None:
    made = edition(envelopes(bounce=None, unsubscribe=None))
    assert made.return_path == "news@example.org"
    assert made.unsubscribe_mailto is None


def test_a_bounce_address_without_room_is_refused_at_start() -> None:
    envelopes(bounce="b" * 33 + "@example.org")
    with pytest.raises(AddressError, match="at most 33"):
        envelopes(bounce="b" * 34 + "@example.org")


def test_the_longest_return_path_fits() -> None:
    made = edition(envelopes(bounce="b" * 33 + "@example.org"), delivery_id=2**63 - 1)
    assert len(made.return_path.rpartition("@")[0]) == 64


@pytest.mark.parametrize(
    "address",
    ["", "zoe", "@example.org", "ann@", "a..b@example.org", ".a@example.org", '"a b"@example.org', "ännchen@example.org",
     "ann@exämple.org", "ann@[127.0.0.1]", "ann@-x.example", "a\nb@example.org", "ann@example.org\n", "ann@example.org>",
     "x" * 65 + "@example.org", "ann@" + "x" * 64 + ".example"],
)  # fmt: skip
def test_an_address_of_another_form_is_refused_without_being_told(address: str) -> None:
    with pytest.raises(AddressError) as caught:
        sendable(address)
    assert not address.strip() or address not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["ann@example.org", "a.b+c_d=e@xn--exmple-cua.org", "o'neil@example.org", "a@b"]
)
def test_a_plain_address_passes_octet_for_octet(address: str) -> None:
    assert sendable(address) is address


@pytest.mark.parametrize(("number", "digits"), [(0, "0"), (35, "z"), (36, "10"), (123_456, "2n9c")])
def test_numbers_are_written_in_base_36(number: int, digits: str) -> None:
    assert base36(number) == digits
    assert int(digits, 36) == number


def test_only_its_own_mailto_address_leads_back_to_a_delivery() -> None:
    address = (
        (edition(envelopes(), delivery_id=12_345).unsubscribe_mailto or "")
        .removeprefix("mailto:")
        .partition("?")[0]
    )
    assert envelopes().unsubscribing(address) == 12_345
    assert envelopes().unsubscribing(address.upper()) == 12_345, "some servers change the case"
    local, _, domain = address.partition("@")
    for forged in (
        address.replace("+", "+1"), f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}", f"x{address}",
        f"{local}@example.net", "leave@example.org", "", "+1.aaaaaaaaaaaaaaaa@example.org",
    ):  # fmt: skip
        assert envelopes().unsubscribing(forged) is None, forged
    assert envelopes(unsubscribe=None).unsubscribing(address) is None
