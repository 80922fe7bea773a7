import re

import pytest

from toolchain.tests.metrics_pages import Stage, lines

pytestmark = [pytest.mark.urls("toolchain.tests.metrics_pages"), pytest.mark.django_db]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def stage():
    Stage.reset()
    return Stage


def test_polling_answers_with_new_lines_and_the_next_address(client, stage):
    stage.log = b"one\ntwo\nthr"
    page = client.get("/t/log").content.decode()
    assert "<title>Log of a run" in page
    address = re.search(r'class="log-more" hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert address == "/t/log?after=8&seen=11"
    assert client.get(address, headers=HTMX).status_code == 204
    stage.log += b"ee\nfour\n"
    answer = client.get(address, headers=HTMX).content.decode()
    assert "<li>three</li><li>four</li>" in answer
    assert 'hx-get="/t/log?after=19&amp;seen=19"' in answer
    assert "<section" not in answer
    stage.running = False
    answer = client.get("/t/log?after=19&seen=19", headers=HTMX)
    assert (answer.status_code, "hx-get" in answer.content.decode()) == (200, False)


def test_dropped_bytes_and_an_empty_log_are_said(client, stage):
    stage.dropped = 5_000_000
    page = client.get("/t/log").content.decode()
    assert "The log reached its limit: 5.0\u00a0MB after it were dropped." in page
    assert "Nothing has been written yet." in page
    stage.running = False
    assert "Nothing was written." in client.get("/t/log").content.decode()


def test_curves_are_a_page_and_a_part_of_it(client, stage):
    stage.metrics, stage.total = lines(100), 2000
    page = client.get("/t/run").content.decode()
    assert page.count("<figure") == 2 and "<form" in page and 'hx-trigger="every 10s"' in page
    assert "11,0" in page and "of 2,000" in page and "about 1\u00a0h 2\u00a0min left" in page
    part = client.get("/t/run?smoothing=0&axis=time", headers=HTMX).content.decode()
    assert part.count("<figure") == 2 and "<form" not in part and "ghost" not in part and '"axis":"elapsed"' in part
    stage.running = False
    assert "every 10s" not in client.get("/t/run").content.decode()


def test_choice_stands_in_the_controls(client, stage):
    stage.metrics, stage.offered = lines(10), {"a": ("Earlier <run>", lines(20))}
    page = client.get("/t/run?smoothing=0.3&axis=time&with=a").content.decode()
    assert 'value="0.3"' in page and 'value="time" checked' in page and 'name="with" value="a" checked' in page
    assert "Earlier &lt;run&gt;</li>" in page and "<run>" not in page


def test_refused_lines_are_counted_and_shown(client, stage):
    stage.metrics = b"1|2|3\nstep <b>\n2 | 1 | 3\n3|nan|3\n"
    page = client.get("/t/run").content.decode()
    assert "2 of 4 lines are not “iteration|loss|throughput” and are left out" in page
    assert "Line 2: not three values with “|” between them <code>step &lt;b&gt;</code>" in page
    assert "Line 3: a blank in it <code>2 | 1 | 3</code>" in page
    assert "1 value is not a finite number (nan, inf): a gap in the line." in page


@pytest.mark.parametrize(
    ("metrics", "running", "sentence"),
    [
        (b"", True, "They appear when the script writes its first line of metrics."),
        (b"", False, "The script wrote nothing to the file that ENV_AG_USER_METRICS_LOG_PATH names."),
        (b"hello\n", True, "The metrics file has no line that reads iteration|loss|throughput"),
    ],
)
def test_run_without_curves_says_why(client, stage, metrics, running, sentence):
    stage.metrics, stage.running = metrics, running
    page = client.get("/t/run").content.decode()
    assert sentence in page and "<figure" not in page


def test_found_lines_link_to_where_they_stand(client, stage):
    stage.log = b"".join(b"line %03d\n" % number for number in range(500))
    page = client.get("/t/log?find=LINE+400").content.decode()
    assert "1 line with it" in page and '<a class="log-where" href="/t/log?from=2100"' in page and "<mark>line 400</mark>" in page
    assert "No line contains that." in client.get("/t/log?find=%3Cb%3E").content.decode()


def test_log_pages_by_links(client, stage):
    stage.log, stage.running = b"".join(b"line %05d\n" % number for number in range(3000)), False
    page = client.get("/t/log").content.decode()
    assert 'href="/t/log?before=22000"' in page and "line 02000" in page and "Later lines" not in page
    page = client.get("/t/log?before=22000").content.decode()
    assert "line 01999" in page and "line 02000" not in page and 'href="/t/log?from=22000"' in page
    page = client.get("/t/log?from=0&numbers=1").content.decode()
    assert '<ol class="numbered" start="1">' in page and "Earlier lines" not in page


def test_log_is_harmless(client, stage):
    stage.log = b"<script>alert(1)</script>\n\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07\n\xe2\x80\xaeevil\n\xff\xfe\x00\n"
    page = client.get("/t/log").content.decode()
    assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li><li>click</li>" in page
    assert "javascript:" not in page and "\u202e" not in page and "\x00" not in page
