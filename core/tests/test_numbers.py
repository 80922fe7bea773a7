from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from core import browsers, numbers

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
SPACE = "\u00a0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 B"),
        (742, "742 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (18_200, "18.2 KB"),
        (524_000_000, "524 MB"),
        (999_960, "1.0 MB"),
        (4_976_000_000, "4.98 GB"),
        (15_000_000_000, "15.0 GB"),
        (999_999_999_999, "1.00 TB"),
    ],
)
def test_size(value, expected):
    assert numbers.size(value) == expected.replace(" ", SPACE)


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (988, "988", "988"),
        (2_345, "2.3K", "2,345"),
        (93_000, "93K", "9.3 万"),
        (128_412, "128.4K", "12.8 万"),
        (999_999, "1M", "100 万"),
        (130_000_000, "130M", "1.3 亿"),
        (99_999_999, "100M", "1 亿"),
    ],
)
def test_compact_number_follows_the_language(value, english, chinese):
    with translation.override("en"):
        assert numbers.compact(value) == english
    with translation.override("zh-hans"):
        assert numbers.compact(value) == chinese.replace(" ", SPACE)


@pytest.mark.parametrize(("value", "expected"), [(7_503_876_096, "7.50 B"), (568_000_000, "568 M"), (31_400_000, "31.4 M"), (512, "512")])
def test_parameters_have_three_digits(value, expected):
    assert numbers.parameters(value) == expected.replace(" ", SPACE)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(hours=13), "13 hours ago"),
        (timedelta(hours=15), "yesterday"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=31), "22 Oct 2026"),
        (timedelta(days=-2), "24 Nov 2026"),
    ],
)
def test_moment_is_relative_for_thirty_days(before, expected):
    with translation.override("en"):
        assert numbers.ago(NOW - before, now=NOW) == expected


def test_date_follows_the_language():
    with translation.override("zh-hans"):
        assert numbers.date(NOW) == "2026-11-22"
        assert numbers.date_and_time(NOW) == f"2026-11-22 14:05{SPACE}UTC"
    with translation.override("en"):
        assert numbers.date_and_time(NOW) == f"22 Nov 2026, 14:05{SPACE}UTC"


def test_time_element_carries_the_full_moment():
    with translation.override("en"):
        assert numbers.time_element(datetime(2020, 1, 2, 3, 4, tzinfo=UTC)) == (
            f'<time datetime="2020-01-02T03:04:00+00:00" title="2 Jan 2020, 03:04{SPACE}UTC">2 Jan 2020</time>'
        )


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0 s"), (42, "42 s"), (185, "3 min 5 s"), (7200, "2 h"), (9690, "2 h 41 min"), (90000, "1 d 1 h")]
)
def test_duration_has_two_units_at_most(seconds, expected):
    with translation.override("en"):
        assert numbers.duration(seconds).replace(SPACE, " ") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/17 Safari/605", "Safari, macOS"),
        ("git-lfs/3.4.0 (GitHub; linux amd64)", "git-lfs"),
    ],
)
def test_browser_is_named(line, expected):
    assert browsers.name(line) == expected
