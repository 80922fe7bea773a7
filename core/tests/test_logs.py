import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import logs
from core.logs import Log, after, before, look, search, since, tail


def log_of(data, **options):
    reads = []

    def read(offset, limit):
        reads.append(limit)
        return data[offset : offset + limit]

    log = Log(read, len(data), **options)
    log.__dict__["reads"] = reads
    return log


def texts(window):
    return [str(line.html) for line in window.lines]


def numbered(count, start=0):
    return b"".join(b"line %06d\n" % number for number in range(start, start + count))


def test_short_log_is_shown_whole():
    window = tail(log_of(b"one\r\n\ntwo\n"))
    assert (texts(window), window.start, window.end, window.rest) == (["one", "", "two"], 0, 10, "")
    assert [line.offset for line in window.lines] == [0, 5, 6]


def test_empty_log_has_no_lines():
    window = tail(log_of(b"", running=True))
    assert (window.lines, window.end, window.live) == ([], 0, True)


def test_last_line_without_its_end_is_still_being_written_while_the_run_goes_on():
    window = tail(log_of(b"one\ntw", running=True))
    assert (texts(window), window.end, window.rest) == (["one"], 4, "tw")
    window = tail(log_of(b"one\ntw"))
    assert (texts(window), window.end, window.rest, window.live) == (["one", "tw"], 6, "", False)


def test_end_of_a_long_log_begins_with_a_whole_line_and_reads_one_window():
    log = log_of(numbered(100_000))
    window = tail(log)
    assert texts(window)[-1] == "line 099999"
    assert len(window.lines) == logs.MOST_LINES and texts(window)[0] == "line 099000"
    assert (window.start, window.end) == (99_000 * 12, 1_200_000)
    assert log.reads == [logs.WINDOW]


def test_pages_go_back_to_the_beginning_and_on_again_without_losing_a_line():
    log = log_of(numbered(5000))
    window, seen = tail(log), []
    while True:
        seen = texts(window) + seen
        if not window.start:
            break
        window = before(log, window.start)
        assert window.later
    assert seen == [f"line {number:06}" for number in range(5000)]
    window, seen = after(log, 0), []
    while True:
        seen += texts(window)
        if not window.later:
            break
        window = after(log, window.end)
    assert seen == [f"line {number:06}" for number in range(5000)]


def test_window_from_the_middle_of_a_line_begins_with_the_next():
    log = log_of(numbered(5000))
    assert texts(after(log, 13))[0] == "line 000002"
    assert texts(after(log, 12))[0] == "line 000001"
    assert texts(after(log, 10**9)) == []


def test_lines_that_came_since_are_those_after_the_offset():
    window = since(log_of(b"one\ntwo\nthr", running=True), 4)
    assert (texts(window), window.end, window.rest, window.skipped) == (["two"], 8, "thr", 0)


def test_more_than_a_window_since_shows_its_end_and_says_how_much_is_left_out():
    window = since(log_of(b"seen\n" + numbered(50_000), running=True), 5)
    assert (len(window.lines), texts(window)[-1], window.skipped) == (1000, "line 049999", 49_000 * 12)


def test_progress_bar_without_the_end_of_a_line_does_not_grow():
    bar = b"".join(b"\r%3d%%|####|" % (number % 101) for number in range(50_000))
    window = tail(log_of(b"begin\n" + bar, running=True))
    assert (window.lines[-1:], window.rest) == ([], "  4%|####|")
    assert window.end == 6 + len(bar) - 10
    again = since(log_of(b"begin\n" + bar + b"\r  5%|####|\ndone\n", running=True), window.end)
    assert texts(again) == ["  5%|####|", "done"]


def test_bar_that_ends_with_a_carriage_return_keeps_its_last_state():
    window = tail(log_of(b"10%\r20%\r", running=True))
    assert (window.lines, window.rest, window.end) == ([], "20%", 4)


def test_line_without_an_end_is_broken_after_some_kilobytes():
    data = b"x" * 20_000
    window = tail(log_of(data, running=True))
    assert (len(window.lines), window.end, window.rest) == (1, 20_000, "")
    window = since(log_of(data + b"yy\n", running=True), window.end)
    assert texts(window) == ["yy"]


def test_megabytes_in_one_line_are_bounded():
    log = log_of(b"a\n" + b"x" * (4 << 20) + b"\nb\n")
    window = tail(log)
    assert texts(window)[-1] == "b" and sum(map(len, texts(window))) < 5000
    for page in (after(log, 0), after(log, 5), before(log, 4 << 20), search(log, "b")):
        assert sum(map(len, texts(page))) < 5000
    assert sum(log.reads) < 12 << 20


def test_characters_are_not_cut_in_two():
    data = "训练".encode() * 40_000
    window = tail(log_of(data))
    assert "\ufffd" not in texts(window)[0]


def test_search_finds_whatever_the_case_and_counts_all():
    log = log_of(numbered(3000) + b"Loss 1\nnothing\nLOSS <2>\n")
    window = search(log, "loss")
    assert texts(window) == ["<mark>Loss</mark> 1", "<mark>LOSS</mark> &lt;2&gt;"]
    assert (window.found, window.live) == (2, False)
    window = search(log, "line 00")
    assert (window.found, len(window.lines), texts(window)[-1]) == (3000, logs.MOST_FOUND, "<mark>line 00</mark>2999")


def test_search_finds_across_blocks(monkeypatch):
    monkeypatch.setattr(logs, "CHUNK", 100)
    window = search(log_of(numbered(1000)), "line 000")
    assert window.found == 1000
    assert search(log_of(b"y" * 250 + b"needle" + b"y" * 300 + b"\nneedle"), "needle").found == 2


def test_found_line_leads_to_where_it_stands():
    log = log_of(numbered(1000))
    (line,) = search(log, "000700").lines
    assert (line.offset, line.around) == (8400, 6900)
    assert texts(after(log, line.around))[125] == "line 000700"


@pytest.mark.parametrize(
    ("parameters", "first", "last"),
    [
        ({}, "line 004000", "line 004999"),
        ({"before": "120"}, "line 000000", "line 000009"),
        ({"from": "120"}, "line 000010", "line 001009"),
        ({"after": "59988"}, "line 004999", "line 004999"),
        ({"before": "x"}, "line 004000", "line 004999"),
        ({"before": "-1"}, "line 004000", "line 004999"),
        ({"before": "１"}, "line 004000", "line 004999"),
        ({"from": "9" * 30}, "line 004000", "line 004999"),
        ({"find": "  "}, "line 004000", "line 004999"),
    ],
)
def test_address_chooses_the_window(parameters, first, last):
    window = look(log_of(numbered(5000)), parameters)
    assert (texts(window)[0], texts(window)[-1]) == (first, last)


def test_lines_are_numbered_where_that_is_asked_for():
    assert look(log_of(numbered(5000)), {"numbers": "1"}).first == 4001
    assert look(log_of(numbered(5000)), {"from": "120", "numbers": ""}).first == 11
    assert look(log_of(numbered(5000)), {}).first is None


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"bc", "训".encode()]), max_size=40),
    st.lists(st.integers(1, 20), max_size=20),
)
def test_polling_shows_each_line_once_however_it_grows(parts, steps):
    data = b"".join(parts)
    window = tail(log_of(b"", running=True))
    seen, size = [], 0
    for step in [*steps, len(data)]:
        size = min(len(data), size + step)
        window = since(log_of(data[:size], running=size < len(data)), window.end)
        seen += texts(window)
    assert seen == texts(tail(log_of(data)))
