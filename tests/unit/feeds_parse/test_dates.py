from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.dates import EARLIEST, parse_date

MOMENT = datetime(2026, 7, 13, 11, 23, 0, tzinfo=UTC)
EARLIER = MOMENT - timedelta(hours=2)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 13 Jul 2026 11:23:00 GMT",
        "Mon, 13 Jul 2026 11:23:00 +0000",
        "Mon, 13 Jul 26 11:23 UT",
        "mon,13 jul 2026 11:23:00",
        "13 Jul 2026 11:23:00 Z",
        "Mo, 13 Juli 2026 11:23:00 GMT",
        "Montag, 13. Juli 2026, 11:23 Uhr",
        "lun., 13 juil. 2026 11:23:00 GMT",
        "lundi 13 juillet 2026 à 11h23",
        "lunes, 13 de julio de 2026 11:23:00",
        "lunedì 13 luglio 2026 11:23:00",
        "Mon Jul 13 11:23:00 2026",
        "July 13, 2026 11:23 AM",
        "07/13/2026 11:23 am",
        "13.07.2026 11:23",
        "13.7.26 11.23 Uhr",
        "2026-07-13T11:23:00Z",
        "2026-07-13T11:23:00.000000+00:00",
        "2026-07-13 11:23:00",
        "2026-07-13T11:23Z",
        "2026/07/13 11:23:00",
        "20260713T112300Z",
        "20260713112300",
        "2026-07-13T112300Z",
        "2026-W29-1T11:23:00Z",
        "2026-194T11:23:00Z",
        "1783941780",
        "1783941780000",
        " \n2026-07-13T11:23:00Z\t",
    ],
)
def test_a_date_without_a_zone_or_in_utc_is_utc(text: str) -> None:
    assert parse_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "Mo, 13 Juli 2026 11:23:00 MESZ",
        "Mon, 13 Jul 2026 11:23:00 CEST",
        "Mon, 13 Jul 2026 11:23:00 +0200",
        "Mon, 13 Jul 2026 11:23:00 +0200 (CEST)",
        "Mon, 13 Jul 2026 11:23:00 GMT+2",
        "Mon Jul 13 11:23:00 CEST 2026",
        "2026-07-13T11:23:00+02:00",
        "2026-07-13T11:23:00+0200",
        "2026-07-13T11:23:00 +02",
        "Mon, 13 Jul 2026 10:23:00 MEZ",
        "Mon, 13 Jul 2026 05:23:00 EDT",
        "Mon, 13 Jul 2026 02:23:00 PDT",
    ],
)
def test_zones_are_subtracted(text: str) -> None:
    assert parse_date(text) == EARLIER


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("Jänner", 1), ("Feb.", 2), ("März", 3), ("Mrz", 3), ("avril", 4), ("mayo", 5), ("Mai", 5), ("giugno", 6),
        ("luglio", 7), ("août", 8), ("settembre", 9), ("Okt", 10), ("ottobre", 10), ("noviembre", 11), ("déc.", 12),
        ("Dez.", 12), ("dic", 12), ("enero", 1), ("septiembre", 9),
    ],
)  # fmt: skip
def test_months_are_known_in_five_languages(name: str, month: int) -> None:
    assert parse_date(f"9 {name} 2026") == datetime(2026, month, 9, tzinfo=UTC)


def test_a_tuesday_is_not_taken_for_march() -> None:
    assert parse_date("mar, 14 lug 2026 00:00:00 +0000") == datetime(2026, 7, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "yesterday", "0001-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "0", "1994-12-31",
        "31 Feb 2026", "2026-13-01", "2026-07-13T25:00:00Z", "2026-07-13T11:61:00Z", "9999-12-31T23:59:59-05:00",
        "Mon, 13 Jul 2026 11:23:00 +9900", "-1783941780", "Τετ, 13 Ιουλ 2026", "2026-07-13" + " " * 300, "1e12",
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_a_day_may_end_at_24_and_a_minute_at_60() -> None:
    assert parse_date("2026-07-13T24:00:00Z") == datetime(2026, 7, 14, tzinfo=UTC)
    assert parse_date("2026-06-30T23:59:60Z") == datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)


@given(st.text(alphabet=st.sampled_from("0123456789-+:/., TZtzJanMärz")) | st.text())
def test_no_text_at_all_raises(text: str) -> None:
    moment = parse_date(text)
    assert moment is None or (moment >= EARLIEST and moment.tzinfo is UTC)


@given(st.datetimes(min_value=datetime(1995, 1, 2), max_value=datetime(9000, 1, 1)))  # noqa: DTZ001 (made aware below)
def test_what_python_writes_is_read_back(naive: datetime) -> None:
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    assert parse_date(moment.isoformat()) == moment
    assert parse_date(moment.strftime("%a, %d %b %Y %H:%M:%S +0000")) == moment
