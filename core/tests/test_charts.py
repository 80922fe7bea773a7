import json
import re
from pathlib import Path

from core.charts import Figure, Series, histogram, line, spark, stack

MOCKUPS = re.findall(r"<figure.*?</figure>", (Path(__file__).parent / "mockups" / "charts.html").read_text(), re.DOTALL)


def figure_of(markup, **extra):
    """The figure that the mock-up's own data describes."""
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', markup)[1])
    body = re.search(r'class="chart-y"[^>]*>(.*?)</div>.*class="chart-x"[^>]*>(.*?)</div>', markup, re.DOTALL)
    return Figure(
        id=re.search(r'id="([^"]+)"', markup)[1],
        title=re.search(r'chart-title">([^<]+)<', markup)[1],
        series=[Series(series["n"], series["p"], series["v"]) for series in data["series"]],
        low=data["lo"],
        high=data["hi"],
        y_labels=re.findall(r"<span>(.*?)</span>", body[1]),
        x_labels=re.findall(r"<span>(.*?)</span>", body[2]),
        positions=data["x"],
        unit=data["unit"],
        digits=data["fmt"],
        **extra,
    )


def test_chart_of_one_series_equals_the_mockup_byte_for_byte():
    assert line(figure_of(MOCKUPS[0], now="0.81")) == MOCKUPS[0]


def test_chart_with_a_threshold_equals_the_mockup_byte_for_byte():
    assert line(figure_of(MOCKUPS[1], threshold=1.2)) == MOCKUPS[1]


def test_gap_in_a_series_stays_a_gap():
    figure = Figure("gap", "Gap", [Series("a", "azurite", [0.0, None, 1.0])], 0, 1, ["1", "0"], ["0", "2"], filled=False)
    assert 'd="M0 200M1000 0"' in line(figure)


def test_series_of_gaps_only_is_drawn_without_values():
    figure = Figure("none", "None", [Series("a", "azurite", [None, None])], 0, 1, ["1", "0"], ["0", "1"])
    assert 'd=""' in line(figure)


def test_data_beside_a_chart_cannot_close_its_element():
    figure = Figure("x", "X", [Series("</script><script>", "azurite", [1.0, 2.0])], 0, 2, ["2", "0"], ["0", "1"])
    assert "</script><script>" not in line(figure)


def test_stack_equals_the_mockup():
    assert stack([(0.75, "azurite"), (0.18, "malachite")], "Shares") == (
        '<svg class="stackbar" role="img" aria-label="Shares">'
        '<rect data-pigment="azurite" x="0.00%" width="74.65%" y="0" height="100%"/>'
        '<rect data-pigment="malachite" x="75.00%" width="17.65%" y="0" height="100%"/></svg>'
    )


def test_flat_sparkline_is_drawn_at_the_bottom():
    assert 'd="M0 24L100 24"' in spark([5, 5])


def test_histogram_of_nothing_has_bars_of_least_height():
    assert histogram([0, 0], label="Empty").count('height="1.0"') == 2
