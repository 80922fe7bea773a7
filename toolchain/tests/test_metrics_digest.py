import math
import pickle

import numpy as np
import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.utils import translation

from core.plots import Plot
from toolchain.metrics import sources
from toolchain.metrics.digest import Figures, digest, figures
from toolchain.metrics.drawing import plots
from toolchain.metrics.lines import parse
from toolchain.metrics.panel import Choice, choice_of, show
from toolchain.metrics.sources import Readings, Source, digest_of

START = 1_700_000_000.0


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def written(first, last, loss=lambda i: 2.0):
    return b"".join(b"%d|%.6f|%d\n" % (i, loss(i), 100 + i) for i in range(first, last))


def hours(count):
    """`count` hours of 360 lines each; the loss of an hour is its number, counted down."""
    return parse(
        ((START + 3600 * (hour + 1), written(360 * hour, 360 * (hour + 1), lambda i: count - i // 360)) for hour in range(count)),
        started=START,
    )


def test_figures_say_where_a_run_stands():
    found = figures(hours(4).curves())
    assert found.loss == pytest.approx(1.0, abs=1e-6)
    assert found.change == pytest.approx(-1.0, abs=1e-6)
    assert (found.best, found.best_step) == (1.0, 1080)
    assert (found.step, found.at, found.rate) == (1439, START + 4 * 3600, pytest.approx(0.1))
    assert found.throughput == pytest.approx(1533.514, abs=0.001)
    assert found.share(2878) == 0.5
    assert found.left(2878, START + 4 * 3600) == pytest.approx(14_390)
    assert found.left(2878, START + 4 * 3600 + 390) == pytest.approx(14_000)
    assert found.left(1439, START + 5 * 3600) == 0


def test_young_run_has_no_change_and_unknown_total_no_end():
    found = figures(hours(1).curves())
    assert found.change is None
    assert (found.share(None), found.left(None, START)) == (None, None)
    assert found.share(100) == 1.0


def test_run_without_lines_has_no_figures():
    assert figures(parse([]).curves()) == Figures()
    assert Figures().share(10) is None and Figures().left(10, START) is None


def test_gaps_do_not_count_as_the_lowest_or_the_latest():
    found = figures(parse([(START, b"1|0.5|nan\n2|nan|nan\n3|inf|nan\n")]).curves())
    assert (found.loss, found.best, found.best_step, found.throughput, found.step) == (0.5, 0.5, 1, None, 3)
    found = figures(parse([(START, b"1|nan|5\n")]).curves())
    assert (found.loss, found.best, found.throughput) == (None, None, 5.0)


def test_one_moment_has_no_speed():
    assert figures(parse([(START, b"1|1|1\n2|1|1\n")]).curves()).rate is None


def test_digest_goes_against_iterations_or_time():
    reading = parse([(START + 10, b"20|1|5\n10|2|6\n")], started=START)
    assert digest(reading).loss.x.tolist() == [10.0, 20.0]
    by_time = digest(reading, "time", started=START)
    assert (by_time.loss.x.tolist(), by_time.loss.y.tolist()) == ([5.0, 10.0], [1.0, 2.0])
    assert digest(reading, "time").loss.x.tolist() == [0.0, 5.0]


def test_digest_of_a_million_lines_is_small():
    count = 1_000_000
    reading = parse([])
    i = np.arange(count)
    reading._parts = [type(reading.curves())(i, np.sin(i / 1000), np.cos(i / 99), START + i.astype(float))]
    found = digest(reading)
    assert (found.records, len(found.loss.at)) == (count, 500)
    assert len(pickle.dumps(found)) < 100_000


def test_digest_as_json_has_none_for_gaps():
    found = digest(parse([(START, b"1|0.5|2\n2|nan|3\nbad\n")])).as_json()
    assert found == {
        "axis": "iteration",
        "records": 2,
        "refused": 1,
        "loss": [(1, 0.5), (2, None)],
        "throughput": [(1, 2.0), (2, 3.0)],
    }


def source_of(data, key="run-1-1", asked=None, **options):
    def pieces(offset):
        if asked is not None:
            asked.append(offset)
        return [(START + 10, data[offset:])] if data[offset:] else []

    return Source(key, key, len(data), pieces, **options)


def test_reading_goes_on_where_it_stopped():
    readings, asked = Readings(), []
    with readings.on(source_of(b"1|1|1\n2|", asked=asked)) as reading:
        assert len(reading.curves()) == 1
    with readings.on(source_of(b"1|1|1\n2|2|2\n", asked=asked)) as reading:
        assert reading.curves().loss.tolist() == [1.0, 2.0]
    with readings.on(source_of(b"9|9|9\n", asked=asked)) as reading:
        assert reading.curves().iteration.tolist() == [9]
    assert asked == [0, 8, 0]


def test_few_readings_are_kept(monkeypatch):
    readings, asked = Readings(), []
    for key in [*"abcdefghi", "a", "i"]:
        with readings.on(source_of(b"1|1|1\n", key, asked)):
            pass
    assert asked == [0] * 10 + [6]
    monkeypatch.setattr(sources, "KEPT_RECORDS", 3)
    with readings.on(source_of(b"1|1|1\n2|2|2\n3|3|3\n", "big")):
        pass
    assert list(readings._kept) == ["big"]


def test_reading_that_failed_is_begun_anew():
    readings = Readings()

    def broken(offset):
        yield START, b"1|1|1\n"
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="gone"), readings.on(Source("k", "k", 12, broken)):
        pass
    with readings.on(source_of(b"1|1|1\n2|2|2\n", "k")) as reading:
        assert len(reading.curves()) == 2


def test_digests_are_shared_until_there_is_more():
    cache.clear()
    asked = []
    data = b"1|1|1\n2|2|2\n"
    for _ in range(3):
        assert digest_of(source_of(data, asked=asked, key="shared")).records == 2
    assert asked == [0]
    assert digest_of(source_of(data + b"3|3|3\n4|4", asked=asked, key="shared")).records == 3
    assert digest_of(source_of(data + b"3|3|3\n4|4|4", asked=asked, key="shared", ended=True)).records == 4
    assert asked == [0, 12, 21]
    assert digest_of(source_of(data, asked=asked, key="other"), "time").axis == "time"


@pytest.mark.parametrize(
    ("query", "choice"),
    [
        ("", Choice(0.6, "iteration", ())),
        ("smoothing=0&axis=time", Choice(0.0, "time", ())),
        ("smoothing=0.95&with=a&with=b&with=a", Choice(0.95, "iteration", ("a", "b"))),
        ("smoothing=7", Choice(0.99, "iteration", ())),
        ("smoothing=-1", Choice(0.0, "iteration", ())),
        ("smoothing=nan&axis=space", Choice(0.6, "iteration", ())),
        ("smoothing=x", Choice(0.6, "iteration", ())),
        ("with=1&with=2&with=3&with=4&with=5", Choice(0.6, "iteration", ("1", "2", "3", "4"))),
    ],
)
def test_choice_is_read_from_the_address(query, choice):
    assert choice_of(QueryDict(query)) == choice


def test_charts_are_those_of_loss_and_throughput():
    loss, throughput = plots([("this", digest(hours(1)))], total=1000, unit="tokens/s")
    assert (loss.title, throughput.title) == ("Training loss", "Throughput")
    assert (loss.right, loss.axis, loss.smoothing, loss.x_name) == (1000, "number", 0.6, "Iteration")
    assert (throughput.scale.low, throughput.scale.unit) == (0, "\u00a0tokens/s")
    assert [curve.name for curve in loss.curves] == ["Training loss"]


def test_other_runs_are_drawn_beside_on_the_same_scale_and_only_those_offered():
    runs = {"a": source_of(b"1|9|1\n2|8|1\n", "a"), "secret": source_of(b"1|5|1\n", "secret")}
    shown = show(
        source_of(b"1|2|3\n2|1|3\n"),
        choice_of(QueryDict("with=a&with=secret&axis=time")),
        offered={"a": "Earlier", "b": "Never started"},
        source_of=runs.get,
    )
    loss: Plot = shown.plots[0]
    assert [(curve.name, curve.pigment, curve.dashed) for curve in loss.curves] == [("run-1-1", "azurite", False), ("a", "malachite", True)]
    assert (loss.scale.high, loss.axis, loss.left) == (10, "elapsed", 0.0)
    assert shown.offered == [("a", "Earlier", True), ("b", "Never started", False)]
    assert shown.figures.best == 1.0


def test_spike_of_a_long_run_is_on_the_page():
    losses = np.full(100_000, 1.0)
    losses[54_321] = 77.0
    reading = parse([(START, b"".join(b"%d|%g|1\n" % (i, loss) for i, loss in enumerate(losses.tolist())))])
    loss, _ = plots([("this", digest(reading))])
    assert loss.scale.high == 80
    assert loss.curves[0].y[list(loss.curves[0].x).index(54_321.0)] == 77.0
    assert not math.isnan(loss.curves[0].mean[271])
