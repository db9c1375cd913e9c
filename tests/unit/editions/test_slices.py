"""How many people a slice has: as many as may wait for it, within bounds."""

from datetime import timedelta

from digest.editions.plan import HELD, LEAST, MOST, next_size


def test_a_slice_that_held_its_locks_long_makes_the_next_one_smaller() -> None:
    assert next_size(2_000, 4 * HELD) == 500


def test_a_quick_slice_at_most_doubles_the_next_one() -> None:
    assert next_size(1_000, timedelta()) == 2_000
    assert next_size(1_000, HELD / 1.5) == 1_500


def test_slices_stay_within_their_bounds() -> None:
    assert next_size(LEAST, timedelta(seconds=9)) == LEAST
    assert next_size(MOST, timedelta(milliseconds=1)) == MOST
