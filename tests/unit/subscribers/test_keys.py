"""A secret that protects nothing is refused before it signs anything."""

import secrets

import pytest

from subscribers.keys import Weakness, shared_ids, weakness


@pytest.mark.parametrize(
    "secret", [b"", b"short", secrets.token_bytes(31)], ids=["empty", "short", "31 bytes"]
)
def test_under_32_bytes_is_short(secret: bytes) -> None:
    assert weakness(secret) is Weakness.SHORT


@pytest.mark.parametrize(
    "secret",
    [
        b"x" * 40,
        b"01" * 32,
        b"change-me-change-me-change-me-change-me",
        b"replace this with 64 random letters",
    ],
)
def test_a_text_to_be_replaced_is_a_placeholder(secret: bytes) -> None:
    assert weakness(secret) is Weakness.PLACEHOLDER


def test_random_secrets_are_accepted_in_every_usual_spelling() -> None:
    for _ in range(200):
        for secret in (
            secrets.token_bytes(32),
            secrets.token_hex(32).encode(),
            secrets.token_urlsafe(32).encode(),
        ):
            assert weakness(secret) is None


def test_the_same_secret_twice_shares_no_id() -> None:
    assert not shared_ids([b"a" * 32, b"a" * 32])
