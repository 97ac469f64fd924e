"""Schedules: which ticks there are, over changes of the clock too, and which are made up for."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.routes.schedule import MOST_MISSED, Schedule, Ticks, check_cron, check_timezone

SPRING = datetime(2026, 3, 29, tzinfo=UTC)
"""In Berlin the clock goes from 2:00 to 3:00 at 1:00 UTC."""
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)
"""In Berlin the clock goes from 3:00 back to 2:00 at 1:00 UTC."""
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def times(schedule: Schedule, begin: datetime, end: datetime) -> list[str]:
    found = schedule.missed(begin, end, "all").at
    return [tick.strftime("%d %H:%M") for tick in found]


@pytest.mark.parametrize(
    ("cron", "day", "ticks"),
    [
        ("30 2 * * *", SPRING, ["29 01:00"]),  # 2:30 is left out: at 3:00, once
        ("30 2 * * *", AUTUMN, ["25 00:30"]),  # 2:30 comes twice: the first time
        ("30 3 * * *", SPRING, ["29 01:30"]),
        ("0 9 * * *", SPRING - DAY, ["28 08:00"]),
        ("0 9 * * *", SPRING, ["29 07:00"]),
        ("0 9 * * 1-5", SPRING, []),  # a Sunday
    ],
)
def test_a_daily_tick_comes_once_over_a_change_of_the_clock(
    cron: str, day: datetime, ticks: list[str]
) -> None:
    assert times(Schedule(cron, "Europe/Berlin"), day, day + DAY) == ticks


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_an_hourly_tick_goes_on_by_the_real_time(day: datetime) -> None:
    assert len(times(Schedule("0 * * * *", "Europe/Berlin"), day, day + DAY)) == 24


@pytest.mark.parametrize(
    ("wanted", "now", "ticks"),
    [
        ("last", "2026-01-05T12:30:00", Ticks((at("2026-01-05T12:00:00"),), True)),
        ("none", "2026-01-05T12:30:00", Ticks((), True)),
        ("none", "2026-01-05T12:00:30", Ticks((at("2026-01-05T12:00:00"),), True)),
        ("last", "2026-01-05T09:30:00", Ticks((), False)),
        ("last", "2026-01-05T10:00:00", Ticks((at("2026-01-05T10:00:00"),), False)),
        (
            "all",
            "2026-01-05T11:00:00",
            Ticks((at("2026-01-05T10:00:00"), at("2026-01-05T11:00:00"))),
        ),
    ],
)
def test_missed_ticks_are_made_up_for_as_the_route_says(
    wanted: str, now: str, ticks: Ticks
) -> None:
    last = at("2026-01-05T09:00:00")
    found = Schedule("0 * * * *").missed(last, at(now), wanted)  # type: ignore[arg-type]
    assert found == ticks


def test_of_very_many_missed_ticks_the_newest_are_made_up_for() -> None:
    now = at("2027-01-01T00:00:00")
    found = Schedule("* * * * *").missed(at("2026-01-01T00:00:00"), now, "all")
    assert (len(found.at), found.at[-1], found.left_out) == (MOST_MISSED, now, True)
    assert found.at[0] == now - timedelta(minutes=MOST_MISSED - 1)


def test_a_rare_tick_is_found() -> None:
    leap = Schedule("0 0 29 2 *")
    assert leap.missed(at("2021-01-01T00:00:00"), at("2026-01-01T00:00:00")).at == (
        at("2024-02-29T00:00:00"),
    )


CRONS = ["30 2 * * *", "*/7 * * * *", "0 * * * *", "15 1,2,3 * * *", "30 */2 * * *", "* 2 * * *"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]
AROUND = [SPRING, AUTUMN, at("2026-04-04T00:00:00"), at("2026-11-01T00:00:00")]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(CRONS),
    st.sampled_from(ZONES),
    st.sampled_from(AROUND),
    st.integers(0, 2 * 86_400),
)
@example("30 2 * * *", "Europe/Berlin", SPRING, 86_400 + 3600)
@example("30 2 * * *", "Europe/Berlin", AUTUMN, 86_400 + 1800)
def test_a_tick_is_found_once_wherever_one_stops_and_goes_on(
    cron: str, zone: str, around: datetime, seconds: int
) -> None:
    """Or a restart would run a tick twice, under two ids, or not at all."""
    schedule = Schedule(cron, zone)
    begin, end = around - DAY, around + DAY
    middle = begin + timedelta(seconds=seconds)
    whole = list(schedule.missed(begin, end, "all").at)
    parts = [*schedule.missed(begin, middle, "all").at, *schedule.missed(middle, end, "all").at]
    assert whole == parts
    assert whole == sorted(set(whole))


def test_ticks_go_on() -> None:
    found = islice(Schedule("0 9 * * 1-5", "Europe/Berlin").after(at("2026-01-02T09:00:00")), 2)
    assert list(found) == [at("2026-01-05T08:00:00"), at("2026-01-06T08:00:00")]


@pytest.mark.parametrize("text", ["0 9 * * 1-5", "*/5 * * * *", "0 0 29 2 *", "0 9 1 jan mon"])
def test_a_cron_is_taken(text: str) -> None:
    assert check_cron(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "60 * * * *", "0 0 31 4 *", "@daily", "a b c d e"]
)
def test_what_is_no_cron_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="0 9"):
        check_cron(text)


def test_what_is_no_time_zone_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean Europe/Berlin"):
        check_timezone("Europe/Berlni")
    with pytest.raises(ValueError, match="no time zone"):
        check_timezone("../../etc/passwd")
