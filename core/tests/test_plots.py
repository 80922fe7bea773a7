import json
import math
import re

import pytest
from django.utils import timezone, translation

from core.plots import Curve, Plot, average, draw

NAN = float("nan")


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"), timezone.override("UTC"):
        yield


def plot(*curves, **options):
    return Plot("p", "Loss", curves or [Curve("loss", [0, 10, 20], [1.0, 2.0, 3.0])], **options)


def data_of(markup):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', markup)[1])


def paths(markup, kind="data-raw"):
    return re.findall(rf'{kind}="\d" d="([^"]*)"', markup)


def test_line_is_drawn_between_round_values():
    assert paths(draw(plot())) == ["M0 200L500 100L1000 0"]


def test_line_stands_where_its_values_are_not_at_even_distances():
    assert paths(draw(plot(Curve("loss", [0, 900, 1000], [1.0, 2.0, 3.0])))) == ["M0 200L900 100L1000 0"]


def test_gap_parts_the_line_and_a_point_alone_is_a_dot():
    curve = Curve("loss", [0, 1, 2, 3, 4], [1.0, NAN, 3.0, NAN, 1.0])
    assert paths(draw(plot(curve))) == ["M0 200h0M500 0h0M1000 200h0"]


def test_range_may_be_wider_than_the_lines():
    assert paths(draw(plot(end=40))) == ["M0 200L250 100L500 0"]


def test_one_point_is_a_dot_at_the_left():
    assert paths(draw(plot(Curve("loss", [7], [2.0])))) == ["M0 100h0"]


def test_nothing_at_all_is_an_empty_frame():
    markup = draw(plot(Curve("loss", [], [])))
    assert paths(markup) == [""] and "<table" not in markup
    assert not plot(Curve("loss", [1, 2], [NAN, NAN])).has_values
    assert paths(draw(plot(Curve("loss", [1, 2], [NAN, NAN])))) == [""]


def test_smoothing_draws_averages_over_faint_lines():
    markup = draw(plot(smoothing=0.5, control="slider"))
    assert 'data-smooth="slider"' in markup and "s-line ghost" in markup
    # 1, (0.25 + 1) / 0.75 = 1.667, (0.125 + 0.5 + 1.5) / 0.875 = 2.429
    assert paths(markup, "data-s") == ["M0 200L500 133.3L1000 57.1"]
    assert '<span class="chart-now">2.429</span>' in markup


def test_smoothing_of_nothing_leaves_room_for_the_script():
    markup = draw(plot(smoothing=0.0))
    assert paths(markup, "data-s") == [""] and "ghost" not in markup


def test_scripts_read_the_same_numbers():
    curve = Curve("loss", [100, 150, 400], [1.0, NAN, 3.0])
    data = data_of(draw(plot(curve, unit="x")))
    assert data["series"] == [{"n": "loss", "p": "azurite", "x": [0, 50, 250], "v": [1.0, None, 3.0]}]
    assert (data["left"], data["right"], data["lo"], data["hi"], data["axis"], data["q"], data["unit"]) == (
        100, 400, 1.0, 3.0, "number", 1.0, "\u00a0x",
    )  # fmt: skip


def test_scripts_read_averages_with_their_extremes_where_a_line_was_thinned():
    curve = Curve("loss", [0, 1, 2, 3], [1.0, 9.0, 2.0, 3.0], at=[1, 3], mean=[5.0, 2.5], low=[1.0, 2.0], high=[9.0, 3.0])
    (series,) = data_of(draw(plot(curve)))["series"]
    assert (series["x"], series["v"], series["l"], series["h"]) == ([1, 2], [5.0, 2.5], [1.0, 2.0], [9.0, 3.0])


def test_places_in_time_do_not_drift():
    times = [1_700_000_000 + 0.3333 * place for place in range(3000)]
    (series,) = data_of(draw(plot(Curve("cpu", times, [1.0] * 3000), axis="time")))["series"]
    assert sum(series["x"]) == round((times[-1] - times[0]) * 10)


def test_moments_are_named_in_the_viewers_time_zone():
    curve = Curve("cpu", [1_795_342_920, 1_795_346_520], [1.0, 2.0])
    with timezone.override("Asia/Shanghai"):
        markup = draw(plot(curve, axis="time"))
    assert data_of(markup)["zone"] == "Asia/Shanghai"
    assert ">18:30</text>" in markup
    assert "<th scope=row>2026-11-22 18:22:00</th>" in markup


def test_limit_is_a_dashed_line_inside_the_scale():
    markup = draw(plot(limit=("limit", 4.0), zero=True))
    assert '<line class="s-thr" x1="0" x2="1000" y1="0" y2="0"/>' in markup
    assert ">limit 4<" in markup


def test_several_lines_share_a_scale_a_legend_and_a_table():
    markup = draw(plot(Curve("one", [0, 100], [1.0, 2.0]), Curve("two <b>", [50, 200], [3.0, 5.0], "wisteria", dashed=True)))
    assert paths(markup) == ["M0 200L500 150", "M250 100L1000 0"]
    assert 'class="dash" data-pigment="wisteria"></i>two &lt;b&gt;</li>' in markup
    row = re.search(r"<tr><th scope=row>50</th>(.*?)</tr>", markup)[1]
    assert re.findall(r">([^<>]+)</td>", row) == ["–", "3.00"]
    assert '<span class="chart-now">' not in markup


def test_chart_says_in_words_what_it_shows():
    markup = draw(plot(Curve("memory", [0, 1, 2], [1e9, 3e9, 2e9]), kind="bytes"))
    assert "Loss. memory latest 2.000\u00a0GB, min 1.000, max 3.000. Use the left and right arrow keys to read values" in markup


def test_table_has_a_dozen_rows_and_the_latest_value():
    markup = draw(plot(Curve("loss", list(range(500)), [float(place) for place in range(500)])))
    rows = re.findall(r"<th scope=row>([^<]+)</th>", markup)
    assert len(rows) == 12 and rows[-1] == "499"


def test_names_cannot_close_an_element():
    markup = draw(Plot("p", "<i>", [Curve("</script><script>", [0, 1], [1.0, 2.0])]))
    assert "</script><script>" not in markup and "<i>" not in markup


def test_area_lies_under_a_single_line_and_leaves_gaps_open():
    markup = draw(plot(Curve("cpu", [0, 1, 2, 3, 4], [1.0, 2.0, NAN, 2.0, 1.0]), filled=True))
    assert 'd="M0 200L0 200L250 0L250 200ZM750 200L750 0L1000 200L1000 200Z"' in markup


def test_values_outside_numbers_do_not_reach_the_page():
    markup = draw(plot(Curve("loss", [0, 1, 2], [math.inf, 1e100, -1e100])))
    assert "nan" not in markup.lower() and "inf" not in markup.replace("info", "").lower()


def test_average_over_values_that_stay_the_same_is_that_value():
    assert average([2.0, 2.0, 2.0], 0.95) == pytest.approx([2.0, 2.0, 2.0])
