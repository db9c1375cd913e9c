"""A body as it arrives: what it may cost is bounded before it is known what it is."""

import gzip
import tracemalloc

import pytest

from digest.feeds.body import BadCompressionError, BodyWriter, TooLargeError

LIMIT = 100_000


def written(*chunks: bytes, coding: str = "gzip", limit: int = LIMIT) -> BodyWriter:
    writer = BodyWriter(limit=limit, spool=LIMIT, coding=coding)
    for chunk in chunks:
        writer.write(chunk)
    return writer


def test_a_bomb_is_inflated_to_the_first_byte_too_many_and_no_further() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    writer = BodyWriter(limit=LIMIT, spool=LIMIT, coding="gzip")
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            writer.write(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        writer.close()
    assert writer.size == LIMIT + 1
    assert peak < 1_000_000


def test_exactly_as_much_as_allowed_is_taken() -> None:
    body = written(gzip.compress(bytes(LIMIT))).finish()
    assert (body.size, body.read()) == (LIMIT, bytes(LIMIT))
    body.close()


def test_members_that_come_byte_by_byte_are_one_body() -> None:
    stream = gzip.compress(b"Hallo ") + gzip.compress(b"Welt") + b"\0\0"
    body = written(*(stream[n : n + 1] for n in range(len(stream)))).finish()
    assert body.read() == b"Hallo Welt"
    body.close()


def test_a_stream_that_is_cut_off_is_no_body() -> None:
    writer = written(gzip.compress(b"Hallo Welt")[:-4])
    with pytest.raises(BadCompressionError):
        writer.finish()
    writer.close()


def test_a_thousand_members_are_a_body_and_more_are_none() -> None:
    member = gzip.compress(b"x")
    body = written(member * 1_000).finish()
    assert body.size == 1_000
    body.close()
    writer = BodyWriter(limit=LIMIT, spool=LIMIT)
    with pytest.raises(BadCompressionError):
        writer.write(member * 1_001)
    writer.close()
