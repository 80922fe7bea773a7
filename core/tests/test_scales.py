from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from core import numbers
from core.scales import elapsed_ticks, number_ticks, scale, time_ticks


@pytest.mark.parametrize(
    ("values", "options", "labels", "unit", "digits"),
    [
        ([0.55, 2.1], {}, ["2.5", "2.0", "1.5", "1.0", "0.5"], "", 3),
        ([0.55, 2.1], {"zero": True}, ["3", "2", "1", "0"], "", 2),
        ([9_000, 11_800], {"unit": "tokens/s", "zero": True}, ["15K", "10K", "5K", "0"], "\u00a0tokens/s", 0),
        ([10_100, 10_500], {}, ["10.5K", "10.4K", "10.3K", "10.2K", "10.1K"], "", 0),
        ([3, 3], {}, ["3.4", "3.2", "3.0", "2.8", "2.6"], "", 3),
        ([0, 0], {"zero": True}, ["1.00", "0.75", "0.50", "0.25", "0.00"], "", 3),
        ([], {}, ["1.0", "0.5", "0.0", "-0.5", "-1.0"], "", 3),
        ([float("nan"), float("inf"), 1, 2], {}, ["2.00", "1.75", "1.50", "1.25", "1.00"], "", 3),
        ([-5, 15], {}, ["15", "10", "5", "0", "-5"], "", 2),
        ([1e-7, 5e-7], {}, ["5e-07", "4e-07", "3e-07", "2e-07", "1e-07"], "", -1),
        ([-1e100, 1e100], {}, ["1e+100", "5e+99", "0", "-5e+99", "-1e+100"], "", -1),
        ([0, 3.2e9], {"kind": "bytes"}, ["4", "3", "2", "1", "0"], "\u00a0GB", 2),
        ([0, 12], {"kind": "bytes"}, ["0.015", "0.010", "0.005", "0.000"], "\u00a0KB", 5),
        ([0, 10 << 30], {"kind": "memory"}, ["10.0", "7.5", "5.0", "2.5", "0.0"], "\u00a0GiB", 2),
        ([1, 1], {"kind": "count", "zero": True}, ["1", "0"], "", 0),
        ([0, 10], {"kind": "count"}, ["12", "9", "6", "3", "0"], "", 0),
        ([0.1, 0.95], {"kind": "share", "zero": True}, ["100", "75", "50", "25", "0"], "%", 1),
        ([0.01, 0.3], {"kind": "seconds", "zero": True}, ["300", "200", "100", "0"], "\u00a0ms", 0),
        ([0.01, 3], {"kind": "seconds", "zero": True}, ["3", "2", "1", "0"], "\u00a0s", 2),
    ],
)
def test_scale_is_round(values, options, labels, unit, digits):
    with translation.override("en"):
        found = scale(values, **options)
        assert (found.labels, found.unit, found.digits) == (labels, unit, digits)


def test_large_numbers_are_short_in_the_language_of_the_page():
    with translation.override("zh-hans"):
        assert scale([0, 40_000]).labels == ["4\u00a0万", "3\u00a0万", "2\u00a0万", "1\u00a0万", "0"]


def test_values_are_read_out_as_the_scale_has_them():
    assert scale([0.55, 2.1]).text(0.84239) == "0.842"
    assert scale([0, 3.2e9], kind="bytes").text(3.14159) == "3.14"
    assert scale([1e-7, 5e-7]).text(1.25e-7) == "1.250e-07"


def ticks(start, span, zone):
    with timezone.override(ZoneInfo(zone)), translation.override("en"):
        begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)).timestamp()
        return [(round(at - begin), label) for at, label in time_ticks(begin, begin + span)]


@pytest.mark.parametrize(
    ("start", "span", "zone", "expected"),
    [
        ("2026-11-22T10:07:00", 5, "UTC", [(second, f"10:07:0{second}") for second in range(6)]),
        ("2026-11-22T23:40:00", 3600, "Asia/Shanghai", [(300, "23:45"), (1200, "23 Nov"), (2100, "00:15"), (3000, "00:30")]),
        ("2026-11-22T10:07:00", 3600, "Asia/Kathmandu", [(480, "10:15"), (1380, "10:30"), (2280, "10:45"), (3180, "11:00")]),
        ("2026-11-22T21:00:00", 86400, "Asia/Shanghai", [(10800, "23 Nov"), (32400, "06:00"), (54000, "12:00"), (75600, "18:00")]),
        # the clocks are set back one hour at three in the night
        ("2026-10-25T00:00:00", 90_000, "Europe/Berlin", [(0, "25 Oct"), (25200, "06:00"), (46800, "12:00"), (68400, "18:00"), (90000, "26 Oct")]),
        # and forward
        ("2026-03-29T00:00:00", 28800, "Europe/Berlin", [(0, "29 Mar"), (7200, "03:00"), (10800, "04:00"), (18000, "06:00"), (25200, "08:00")]),
        ("2026-11-20T12:00:00", 3 * 86400, "UTC", [(43200, "21 Nov"), (129600, "22 Nov"), (216000, "23 Nov")]),
    ],
)  # fmt: skip
def test_moments_are_round_in_the_viewers_time_zone(start, span, zone, expected):
    assert ticks(start, span, zone) == expected


def test_years_are_marked_by_a_few_days():
    assert len(ticks("2024-01-01T00:00:00", 800 * 86400, "UTC")) == 5


def test_lengths_of_time_are_round():
    with translation.override("en"):
        found = elapsed_ticks(0, 9000)
    assert [value for value, _ in found] == [0, 1800, 3600, 5400, 7200, 9000]
    assert found[3][1] == "1\u00a0h 30\u00a0min"


def test_numbers_along_the_bottom_are_whole_where_there_is_room():
    assert number_ticks(0, 3) == [(0, "0"), (1, "1"), (2, "2"), (3, "3")]
    assert [label for _, label in number_ticks(10, 6000)] == ["2,000", "4,000", "6,000"]
    assert [label for _, label in number_ticks(0, 34_200)] == ["0", "10K", "20K", "30K"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.842391, "0.8424"),
        (11_480.3, "11,480"),
        (3.14159, "3.142"),
        (0, "0.0000"),
        (3.2e-7, "3.2e-07"),
        (1e100, "1e+100"),
        (-12.5, "-12.50"),
    ],
)
def test_figure_has_four_digits(value, text):
    assert numbers.figure(value) == text


@pytest.mark.parametrize("values", [[0.0, 5e-324], [-5e-324, 5e-324], [1e-310, 3e-310], [5e-324, 5e-324]])
def test_values_that_are_all_but_nought_have_a_scale(values):
    found = scale(values)
    assert found.low < found.high
    assert found.labels
