from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.calendar import (
    Group,
    due_at,
    instant_slot,
    is_quiet,
    next_due,
    slots,
    split_due,
    takes_part,
)
from subscribers.models import Cadence

BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Pacific/Auckland",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("on", "at", "zone", "expected"),
    [
        (date(2026, 11, 22), time(7), "Europe/Berlin", "2026-11-22 06:00"),
        (date(2026, 3, 29), time(2, 30), "Europe/Berlin", "2026-03-29 01:00"),  # never happens: 03:00 is next
        (date(2026, 10, 25), time(2, 30), "Europe/Berlin", "2026-10-25 00:30"),  # happens twice: the first
        (
            date(2026, 10, 4),
            time(2, 15),
            "Australia/Lord_Howe",
            "2026-10-03 15:30",
        ),  # half an hour is missing
        (date(2018, 11, 4), time(0), "America/Sao_Paulo", "2018-11-04 03:00"),  # midnight is missing
        (date(2011, 12, 29), time(7), "Pacific/Apia", "2011-12-29 17:00"),
    ],
)
def test_a_local_time_has_one_moment(on: date, at: time, zone: str, expected: str) -> None:
    assert due_at(on, at, ZoneInfo(zone)) == utc(expected)


def test_a_date_that_a_zone_skipped_has_no_slot() -> None:
    assert due_at(date(2011, 12, 30), time(7), ZoneInfo("Pacific/Apia")) is None


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("hour", range(24))
def test_every_hour_of_every_date_of_a_year_has_exactly_one_moment_in_order(name: str, hour: int) -> None:
    zone = ZoneInfo(name)
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    moments = [due_at(day, time(hour, 30), zone) for day in days]
    assert all(moment is not None for moment in moments)
    assert moments == sorted(set(moments))
    assert [moment.astimezone(zone).date() for moment in moments] == days


@given(
    moment=st.integers(0, 20 * 366 * 86400).map(lambda s: LONG_AGO + timedelta(days=5479, seconds=s)),
    zone=st.sampled_from(ZONES),
    at=st.times().map(lambda t: f"{t:%H:%M}"),
)
def test_due_slots_lie_in_the_past_one_per_date_newest_first(moment: datetime, zone: str, at: str) -> None:
    due = list(slots(moment, Group(Cadence.DAILY, None, at, zone, LONG_AGO)))
    assert due
    assert all(slot.due_at <= moment for slot in due)
    assert [slot.local_date for slot in due] == sorted({slot.local_date for slot in due}, reverse=True)
    upcoming = next_due(moment, cadence=Cadence.DAILY, weekday=None, local_time=at, timezone=zone)
    assert upcoming is not None
    assert moment < upcoming <= moment + timedelta(hours=26)


def test_a_group_has_no_slot_before_its_first_reader_waits() -> None:
    group = Group(Cadence.DAILY, None, "07:00", "Europe/Berlin", utc("2026-11-21 06:30"))
    assert [slot.local_date for slot in slots(utc("2026-11-22 07:00"), group)] == [date(2026, 11, 22)]


def test_weekdays_and_weeks_follow_the_readers_own_calendar() -> None:
    sunday_evening_in_new_york = utc("2026-11-23 01:00")  # Monday in Berlin already
    for zone, expected in (("America/New_York", date(2026, 11, 20)), ("Asia/Tokyo", date(2026, 11, 23))):
        group = Group(Cadence.WEEKDAYS, None, "07:00", zone, LONG_AGO)
        assert next(slots(sunday_evening_in_new_york, group)).local_date == expected
    weekly = Group(Cadence.WEEKLY, 5, "07:00", "Europe/Berlin", LONG_AGO)
    assert [slot.local_date for slot in slots(sunday_evening_in_new_york, weekly)] == [date(2026, 11, 21)]


def test_of_several_missed_slots_only_the_newest_is_planned() -> None:
    now = utc("2026-11-22 08:00")
    due = list(slots(now, Group(Cadence.DAILY, None, "07:00", "Europe/Berlin", utc("2026-11-19 12:00"))))
    planned, missed = split_due(due, now=now, catch_up=timedelta(hours=6))
    assert planned is not None
    assert planned.local_date == date(2026, 11, 22)
    assert [slot.local_date for slot in missed] == [date(2026, 11, 21), date(2026, 11, 20)]


def test_a_slot_later_than_the_catch_up_is_missed() -> None:
    now = utc("2026-11-22 12:01")
    due = list(slots(now, Group(Cadence.DAILY, None, "07:00", "Europe/Berlin", utc("2026-11-21 12:00"))))
    assert split_due(due, now=now, catch_up=timedelta(hours=6)) == (None, due)
    assert split_due([], now=now, catch_up=timedelta(hours=6)) == (None, [])


def test_moving_the_hour_at_noon_gives_no_second_mail_today() -> None:
    today = date(2026, 11, 22)
    morning, evening = utc("2026-11-22 06:00"), utc("2026-11-22 17:00")
    assert not takes_part(local_date=today, due=evening, last_on=today, last_at=morning)
    assert takes_part(
        local_date=today + timedelta(days=1), due=evening + timedelta(days=1), last_on=today, last_at=morning
    )


def test_a_flight_over_the_date_line_loses_no_day() -> None:
    in_auckland, in_honolulu = utc("2026-11-21 18:00"), utc("2026-11-22 17:00")
    assert takes_part(
        local_date=date(2026, 11, 22), due=in_honolulu, last_on=date(2026, 11, 22), last_at=in_auckland
    )


def test_instant_alerts_are_bundled_on_a_grid_of_five_minutes() -> None:
    slot = instant_slot(utc("2026-11-22 06:07"))
    assert (slot.local_time, slot.timezone, slot.due_at) == ("06:05", "UTC", utc("2026-11-22 06:05"))


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [("21:30", True), ("05:59", True), ("06:00", False), ("20:59", False), ("12:00", False)],
)
def test_quiet_hours_run_over_midnight_on_the_readers_clock(moment: str, quiet: bool) -> None:
    at = utc(f"2026-11-22 {moment}")
    assert is_quiet(at, quiet="22:00-07:00", timezone="Europe/Berlin") is quiet
    assert not is_quiet(at, quiet="", timezone="Europe/Berlin")
