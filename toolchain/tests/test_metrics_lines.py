import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.metrics import lines
from toolchain.metrics.lines import Reason, parse


def read(data, **options):
    return parse([(100.0, data)], **options)


def rows(reading):
    curves = reading.curves()
    return [
        (i, None if math.isnan(loss) else loss, None if math.isnan(throughput) else throughput)
        for i, loss, throughput in zip(curves.iteration.tolist(), curves.loss.tolist(), curves.throughput.tolist(), strict=True)
    ]


def test_lines_become_columns():
    reading = read(b"1|2.5|100\n2|1.25|110.5\n3|.5|1e3\n")
    assert rows(reading) == [(1, 2.5, 100.0), (2, 1.25, 110.5), (3, 0.5, 1000.0)]
    assert (reading.lines, reading.refused, reading.gaps, reading.offset) == (3, 0, 0, 32)
    assert reading.curves().iteration.dtype == np.int64
    assert reading.curves().loss.dtype == np.float64


def test_nothing_is_no_row():
    assert rows(parse([])) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1|2", Reason.FIELDS),
        (b"1|2|3|4", Reason.FIELDS),
        (b"step 12 loss 0.5", Reason.FIELDS),
        (b"1,2,3", Reason.FIELDS),
        (b"\x00\xff\xfe\x01", Reason.FIELDS),
        (b"1 | 2 | 3", Reason.BLANKS),
        (b"1|2|3 ", Reason.BLANKS),
        (b" 1|2|3", Reason.BLANKS),
        (b"iteration|loss|throughput", Reason.ITERATION),
        (b"1.0|2|3", Reason.ITERATION),
        (b"-1|2|3", Reason.ITERATION),
        (b"+1|2|3", Reason.ITERATION),
        (b"1_000|2|3", Reason.ITERATION),
        (b"|2|3", Reason.ITERATION),
        ("１２|2|3".encode(), Reason.ITERATION),
        (b"1|2_0|3", Reason.VALUE),
        ("1|２|3".encode(), Reason.VALUE),
        (b"1||3", Reason.VALUE),
        (b"1|2|", Reason.VALUE),
        (b"1|none|3", Reason.VALUE),
        (b"1|0x10|3", Reason.VALUE),
        (b"1|1e|3", Reason.VALUE),
        (b"1|2..5|3", Reason.VALUE),
        (b"1|2\x00|3", Reason.VALUE),
        (b"9223372036854775808|2|3", Reason.LARGE),
        (b"9" * 40 + b"|2|3", Reason.LARGE),
        (b"9" * 5000 + b"|2|3", Reason.LONG),
    ],
)
def test_other_lines_are_skipped_with_a_reason(line, reason):
    reading = read(b"7|0.5|9\n" + line + b"\n8|0.25|9\n")
    assert rows(reading) == [(7, 0.5, 9.0), (8, 0.25, 9.0)]
    assert [(found.line, found.reason) for found in reading.examples] == [(2, reason)]
    assert str(reason.sentence)


def test_refused_lines_are_counted_and_the_first_five_are_kept():
    reading = read(b"x\n" * 5000 + b"1|2|3\n")
    assert (reading.refused, reading.lines, rows(reading)) == (5000, 5001, [(1, 2.0, 3.0)])
    assert [(found.line, found.text) for found in reading.examples] == [(number, "x") for number in range(1, 6)]


def test_hidden_characters_of_a_refused_line_are_shown():
    (found,) = read("\u202e<b>\n".encode()).examples
    assert found.shown == '<span class="ctl">U+202E</span>&lt;b&gt;'


def test_blank_lines_are_not_counted_as_refused():
    reading = read(b"\n1|2|3\n \t\n\r\n2|2|3\n")
    assert (rows(reading), reading.refused, reading.lines) == ([(1, 2.0, 3.0), (2, 2.0, 3.0)], 0, 5)


def test_windows_line_ends_and_a_byte_order_mark_are_understood():
    reading = read(b"\xef\xbb\xbf1|2|3\r\n2|1|3\r\n")
    assert (rows(reading), reading.refused) == ([(1, 2.0, 3.0), (2, 1.0, 3.0)], 0)


def test_nan_and_infinity_are_gaps_with_a_count():
    reading = read(b"1|nan|3\n2|inf|NaN\n3|-Infinity|1e400\n4|1e101|-1e100\n")
    assert rows(reading) == [(1, None, 3.0), (2, None, None), (3, None, None), (4, None, -1e100)]
    assert (reading.gaps, reading.refused) == (6, 0)


def test_later_value_of_an_iteration_wins_also_when_it_is_a_gap():
    reading = read(b"1|9|9\n2|8|8\n1|5|5\n2|nan|7\n2|nan|6\n")
    assert rows(reading) == [(1, 5.0, 5.0), (2, None, 6.0)]


def test_iterations_out_of_order_are_sorted():
    assert rows(read(b"30|3|1\n10|1|1\n20|2|1\n")) == [(10, 1.0, 1.0), (20, 2.0, 1.0), (30, 3.0, 1.0)]


def test_greatest_iteration_is_exact():
    assert rows(read(b"9223372036854775807|1|1\n9007199254740993|2|2\n")) == [(9007199254740993, 2.0, 2.0), (9223372036854775807, 1.0, 1.0)]


def test_values_are_those_of_float_to_the_last_bit():
    written = ["0.1", "2.5066282746310002", "1.7976931348623157e99", "5e-324", "123456789.12345678", "0.30000000000000004"]
    reading = read("".join(f"{place}|{text}|{text}\n" for place, text in enumerate(written)).encode())
    assert reading.curves().loss.tolist() == [float(text) for text in written]


def test_line_without_its_end_waits_for_the_next_piece():
    reading = parse([(1.0, b"1|2|3\n2|1.")])
    assert rows(reading) == [(1, 2.0, 3.0)]
    parse([(2.0, b"5|3"), (3.0, b"0\n3|")], reading)
    assert rows(reading) == [(1, 2.0, 3.0), (2, 1.5, 30.0)]
    assert (reading.offset, reading.lines) == (17, 2)


def test_line_without_its_end_counts_once_the_file_has_ended():
    assert rows(read(b"1|2|3\n2|1|3", ended=True)) == [(1, 2.0, 3.0), (2, 1.0, 3.0)]
    assert rows(parse([], read(b"1|2|3"), ended=True)) == [(1, 2.0, 3.0)]


def test_any_cut_into_pieces_gives_the_same_rows():
    data = b"\xef\xbb\xbf1|2|3\r\nbad\n\n2|1e-3|nan\n" + b"y" * 3000 + b"\n1|7|7\n5|5|5"
    whole = read(data, ended=True)
    for size in (1, 2, 3, 7, 500):
        cut = parse([(100.0, data[place : place + size]) for place in range(0, len(data), size)], ended=True)
        assert rows(cut) == rows(whole) == [(1, 7.0, 7.0), (2, 0.001, None), (5, 5.0, 5.0)]
        assert (cut.refused, cut.lines, cut.gaps) == (whole.refused, whole.lines, whole.gaps) == (2, 7, 1)


def test_line_of_megabytes_is_refused_once_and_not_kept():
    reading = parse((float(at), b"1" * (1 << 20)) for at in range(8))
    assert (reading.refused, len(reading._rest), reading.examples[0].text) == (1, 0, "1" * 80)
    parse([(9.0, b"\n4|5|6\n")], reading)
    assert (rows(reading), reading.refused, reading.examples[0].reason) == ([(4, 5.0, 6.0)], 1, Reason.LONG)


def test_times_are_spread_between_pieces():
    reading = parse([(110.0, b"1|1|1\n2|1|1\n"), (130.0, b"3|1|1\n4|1|1\n5|1|1\n6|1|1\n")], started=100.0)
    assert reading.curves().time.tolist() == [105.0, 110.0, 115.0, 120.0, 125.0, 130.0]


def test_lines_of_a_first_piece_without_a_start_have_its_time():
    assert parse([(110.0, b"1|1|1\n2|1|1\n")]).curves().time.tolist() == [110.0, 110.0]


def test_clock_that_was_set_back_does_not_turn_times_around():
    reading = parse([(110.0, b"1|1|1\n"), (90.0, b"2|1|1\n3|1|1\n")])
    assert reading.curves().time.tolist() == [110.0, 90.0, 90.0]


def test_lines_after_the_most_that_is_kept_are_counted(monkeypatch):
    monkeypatch.setattr(lines, "MOST", 3)
    reading = parse([(1.0, b"1|1|1\n2|1|1\n3|1|1\n"), (2.0, b"4|1|1\n5|1|1\n")])
    assert ([row[0] for row in rows(reading)], reading.beyond, reading.lines) == ([1, 2, 3], 2, 5)


@given(st.lists(st.text("0123456789|.eE+-nanif\n\r _", max_size=30)))
def test_blocks_of_good_lines_are_read_as_line_by_line(texts):
    data = "".join(texts).encode()
    found = [read(data, ended=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_at_once", lambda block, times: None)
        found.append(read(data, ended=True))
        found.append(parse([(100.0, data[place : place + 5]) for place in range(0, len(data), 5)], ended=True))
    assert len({str((rows(one), one.lines, one.refused, one.gaps, one.examples)) for one in found}) == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**19),
            st.one_of(st.floats().map(repr), st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda value: f"{value:f}")),
            st.sampled_from(["1", "-.5", "7.", "0000.10", "12345678901234", "1234567890.12345", "-0"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_number_is_what_int_and_float_say(written):
    reading = read("".join(f"{i}|{loss}|{throughput}\n" for i, loss, throughput in written).encode())
    last = {i: (float(loss), float(throughput)) for i, loss, throughput in written if i < 1 << 63}
    expected = [(i, *(value if abs(value) <= 1e100 else None for value in last[i])) for i in sorted(last)]
    assert rows(reading) == expected


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_no_bytes_whatever_do_harm(pieces):
    reading = parse(((float(at), data) for at, data in enumerate(pieces)), ended=True)
    iterations = reading.curves().iteration.tolist()
    assert iterations == sorted(set(iterations))
    assert reading.offset == sum(map(len, pieces))


def test_long_number_is_refused_also_among_good_lines():
    long = b"2|0." + b"0" * 1000 + b"1|3\n"
    reading = read(b"1|2|3\n" + long + b"3|2|3\n")
    assert ([row[0] for row in rows(reading)], [found.reason for found in reading.examples]) == ([1, 3], [Reason.LONG])


def test_one_bad_line_among_many_does_not_cost_the_others(monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 64)
    written = [f"{i}|{i / 7}|{i * 3}" for i in range(2000)]
    written[1234] = "oops"
    reading = read("\n".join([*written, ""]).encode())
    assert [row[0] for row in rows(reading)] == [i for i in range(2000) if i != 1234]
    assert reading.curves().loss.tolist() == [i / 7 for i in range(2000) if i != 1234]
    assert [(found.line, found.text) for found in reading.examples] == [(1235, "oops")]
