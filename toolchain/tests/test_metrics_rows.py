import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core.logs import tail
from toolchain.metrics import sources
from toolchain.metrics.rows import log_of, metrics_of
from toolchain.metrics.sources import Source, digest_of
from toolchain.models import Run
from toolchain.runs.reading import keep
from toolchain.tests.queued import spec

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def run(alice):
    return Run.objects.create(
        purpose="training", target=1, title="a run", namespace=alice, user=alice, spec=spec(), state=Run.State.RUNNING, started_at=START
    )


def test_metrics_are_read_from_the_pieces_of_the_run(run):
    keep(run, "metrics", 0, b"1|2|3\n2|1", START + timedelta(seconds=10), join=False)
    keep(run, "metrics", 9, b".5|3\n3|1", START + timedelta(seconds=20), join=False)
    source = metrics_of(run, total=10)
    assert (source.key, source.name, source.size, source.total, source.ended) == ("training-1-1", "a run", 17, 10, False)
    found = digest_of(source)
    assert (found.loss.x.tolist(), found.loss.y.tolist(), found.lines) == ([1.0, 2.0], [2.0, 1.5], 2)
    assert digest_of(source, "time").loss.x.tolist() == [10.0, 20.0]
    keep(run, "metrics", 17, b"|9\n", START + timedelta(seconds=30), join=False)
    assert digest_of(metrics_of(run)).records == 3


def test_log_is_read_from_the_pieces_of_the_run(run):
    for offset, data in ((0, b"one\ntw"), (6, b"o\nthr")):
        keep(run, "log", offset, data, START, join=False)
    window = tail(log_of(run))
    assert ([str(line.html) for line in window.lines], str(window.rest), window.live) == (["one", "two"], "thr", True)
    assert log_of(run).read(2, 5) == b"e\ntwo"
    assert log_of(run).read(11, 5) == b""
    run.end()
    window = tail(log_of(run, dropped=7))
    assert ([str(line.html) for line in window.lines], window.live, window.log.dropped) == (["one", "two", "thr"], False, 7)


def test_run_that_wrote_nothing_has_nothing(run):
    assert digest_of(metrics_of(run)).lines == 0
    assert tail(log_of(run)).lines == []


def test_long_metrics_are_read_by_one_of_many_readers(monkeypatch):
    monkeypatch.setattr(sources, "LARGE", 10)
    asked, everybody = [], threading.Barrier(4)

    def pieces(offset: int) -> Iterator[tuple[float, bytes]]:
        asked.append(offset)
        yield 1.0, b"1|2|3\n2|1|3\n3|1|1\n"[offset:]

    def read(_number: int) -> int:
        everybody.wait(30)
        return digest_of(Source("a-long-run", "", 18, pieces)).records

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [3, 3, 3, 3]
    assert asked == [0]
