"""What only a browser can say of curves and logs: reading by keys, smoothing, a log that grows, axe, no script."""

import re

import pytest
from playwright.sync_api import expect

from core.testing import violations
from toolchain.tests.metrics_pages import Stage, lines

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("toolchain.tests.metrics_pages")]


@pytest.fixture
def visit(chromium, live_server):
    contexts, errors = [], []
    Stage.reset()

    def open_(path, *, width=1440, theme="light", locale="en-GB", script=True, policed=True):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            locale=locale,
            java_script_enabled=script,
            reduced_motion="reduce",
            base_url=live_server.url,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        # axe sets styles of its own, which the policy refuses
        page.on("console", lambda message: errors.append(message.text) if policed and "Content Security" in message.text else None)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not errors


def stand():
    Stage.metrics = lines(400) + b"oops\n4010|nan|3\n" + lines(300, start=402)
    Stage.offered = {"a": ("Earlier run", lines(500, low=0.95))}
    Stage.total = 9000
    Stage.log = (
        b"".join(b"\x1b[32mINFO\x1b[0m step %d\n" % number for number in range(30)) + b"WARNING: low\nERROR \xe2\x80\xae\n 50%|##  |"
    )


@pytest.mark.parametrize(
    ("path", "width", "theme", "locale"),
    [
        ("/t/run?with=a", 1440, "light", "en-GB"),
        ("/t/run", 390, "dark", "en-GB"),
        ("/t/run", 390, "light", "zh-CN"),
        ("/t/log?find=step&numbers=1", 768, "dark", "zh-CN"),
    ],
)
def test_curves_and_log_have_no_accessibility_violation_and_fit(visit, path, width, theme, locale):
    stand()
    page = visit(path, width=width, theme=theme, locale=locale, policed=False)
    page.evaluate("document.querySelectorAll('main details').forEach((details) => { details.open = true; })")
    assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_values_are_read_by_keys_in_both_charts(visit):
    Stage.metrics = b"10|2.5|100\n20|nan|200\n40|1.5|300\n"
    page = visit("/t/run?smoothing=0")
    page.locator("#curve-loss .chart-plot").focus()
    tip = page.locator("#curve-loss .chart-tip")
    page.keyboard.press("Home")
    expect(tip).to_have_text(re.compile(r"^10Training loss2\.500$"))
    page.keyboard.press("ArrowRight")
    expect(tip).to_have_text(re.compile(r"^20Training loss–$"))
    page.keyboard.press("End")
    expect(tip).to_have_text(re.compile(r"^40Training loss1\.500$"))
    expect(page.locator("#curve-throughput .chart-cross")).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(page.locator("#curve-throughput .chart-cross")).to_be_hidden()


def test_slider_smooths_at_once_exactly_as_the_server_does(visit):
    Stage.metrics = lines(100)
    page = visit("/t/run?smoothing=0")
    line = page.locator("#curve-loss [data-s='0']")
    expect(line).to_have_attribute("d", "")
    slider = page.get_by_label("Smoothing")
    slider.evaluate("slider => { slider.value = '0.8'; slider.dispatchEvent(new Event('input', { bubbles: true })); }")
    numbers = "path => path.getAttribute('d').match(/[\\d.]+/g).map(Number)"
    drawn = line.evaluate(numbers)
    expect(page.locator("#curve-loss [data-raw='0']")).to_have_class(re.compile("ghost"))
    page.goto("/t/run?smoothing=0.8")
    assert page.locator("#curve-loss [data-s='0']").evaluate(numbers) == pytest.approx(drawn, abs=0.11)


def test_controls_change_the_address_and_the_charts(visit):
    Stage.metrics, Stage.offered = lines(50), {"a": ("Earlier run", lines(80))}
    page = visit("/t/run")
    page.locator(".seg label", has_text="Time").click()
    page.wait_for_url(re.compile("axis=time"))
    expect(page.locator("#curve-loss .chart-ticks")).to_contain_text("30 min")
    page.locator("summary", has_text="Compare").click()
    page.get_by_label("Earlier run").check()
    page.wait_for_url(re.compile("with=a"))
    expect(page.locator("#curve-loss .legend")).to_contain_text("Earlier run")
    page.locator("#curve-loss .chart-plot").focus()
    page.keyboard.press("Home")
    expect(page.locator("#curve-loss .chart-tip")).to_contain_text("Earlier run")
    page.go_back()
    expect(page.locator("#curve-loss .legend")).to_have_count(0)


def test_curves_grow_under_the_reader(visit):
    Stage.metrics = lines(10)
    page = visit("/t/run")
    page.locator("#curve-loss .chart-plot").focus()
    page.keyboard.press("End")
    expect(page.locator("#curve-loss .chart-tip b")).to_have_text("90")
    Stage.metrics = lines(60)
    expect(page.locator("#curve-loss .chart-ticks")).to_contain_text("400", timeout=30_000)
    expect(page.locator("#curve-loss .chart-plot")).to_be_focused()
    expect(page.locator("#curve-loss .chart-tip b")).to_have_text("90")
    page.keyboard.press("End")
    expect(page.locator("#curve-loss .chart-tip b")).to_have_text("590")


def test_log_follows_its_end_until_somebody_scrolls_up_or_pauses(visit):
    Stage.log = b"".join(b"line %d\n" % number for number in range(200)) + b"  5%|#   |"
    page = visit("/t/log")
    box = page.locator("[data-log-box]")
    at_end = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 24"
    assert box.evaluate(at_end)
    expect(page.locator(".log-more")).to_have_text("  5%|#   |")
    Stage.log = Stage.log[:-10] + b" 99%|####|\ndone\n" + b"".join(b"more %d\n" % number for number in range(100))
    expect(box).to_contain_text("more 99", timeout=30_000)
    expect(box).to_contain_text(" 99%|####|done")
    expect(box).not_to_contain_text("5%|#   |")
    assert box.evaluate(at_end)
    assert box.locator("li", has_text="line 199").count() == 1
    box.evaluate("box => { box.scrollTop = 40; }")
    expect(page.get_by_role("button", name="To the end")).to_be_visible()
    Stage.log += b"while reading\n"
    expect(box).to_contain_text("while reading", timeout=30_000)
    assert box.evaluate("box => box.scrollTop") == 40
    page.get_by_role("button", name="To the end").click()
    assert box.evaluate(at_end)
    pause = page.get_by_role("button", name="Pause")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    Stage.log += b"while paused\n"
    page.wait_for_timeout(2500)
    expect(box).not_to_contain_text("while paused")
    pause.click()
    expect(box).to_contain_text("while paused", timeout=30_000)
    Stage.running = False
    expect(page.locator(".log-more")).to_have_count(0, timeout=30_000)
    expect(pause).to_have_count(0)


def test_log_is_searched_and_left_again_on_the_same_page(visit):
    stand()
    page = visit("/t/run")
    page.get_by_label("Search logs").fill("step 12")
    page.keyboard.press("Enter")
    expect(page.locator("#log .log-bar")).to_contain_text("1 line with it")
    expect(page.locator("#log mark").first).to_have_text("step 12")
    page.get_by_role("link", name="Back to the log").click()
    expect(page.locator("#log .log-more")).to_have_text(" 50%|##  |")
    assert page.url.endswith("/t/run")


def test_without_script_curves_log_and_controls_are_there(visit):
    stand()
    page = visit("/t/run", script=False)
    assert "ghost" in page.locator("#curve-loss [data-raw='0']").get_attribute("class")
    page.locator(".seg label", has_text="Time").click()
    page.get_by_role("button", name="Draw").click()
    expect(page.locator("#curve-loss .chart-ticks")).to_contain_text("30 min")
    page.locator("#curve-loss summary").click()
    expect(page.locator("#curve-loss tbody tr")).to_have_count(12)
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    Stage.log += b"\nlater\n"
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".log")).to_contain_text("later")
    page.get_by_role("link", name="Number the lines").click()
    expect(page.locator("ol.numbered")).to_have_attribute("start", "1")
