"""What only a browser can say of the playground: streamed answers as safe text, requests and their answers, axe, no sideways scrolling."""

import json

import pytest
from django.conf import settings
from playwright.sync_api import expect

from core.testing import browser, person, violations
from toolchain.inference.tests.factories import make_service

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ANSWER = ["**Bold** <img src=x onerror=alert(1)> ", "[out](javascript:alert(1)) ", "[in](https://example.com/)\n\n```\nif a < b:\n```\n"]


@pytest.fixture
def visit(chromium, live_server):
    alice = person("alice")
    cookie = browser(alice).cookies[settings.SESSION_COOKIE_NAME].value
    contexts, errors = [], []

    def open_(service_task, *, width=1440, theme="light", **columns):
        service = make_service(alice, state="running", task=service_task, engine="transformers", **columns)
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, locale="en-GB", reduced_motion="reduce", base_url=live_server.url
        )
        contexts.append(context)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        return page, f"/services/alice/{service.name}"

    yield open_
    for context in contexts:
        context.close()
    assert not errors


def test_streamed_answer_is_text_and_can_be_had_again(visit):
    page, address = visit("text-generation")
    asked = []

    def stream(route):
        asked.append(route.request.post_data_json)
        events = [{"choices": [{"delta": {"content": piece}}]} for piece in ANSWER]
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        usage = ': usage {"prompt_tokens": 3, "completion_tokens": 40, "total_tokens": 43}\n\n'
        route.fulfill(status=200, content_type="text/event-stream", body="".join(lines) + usage + "data: [DONE]\n\n")

    page.route("**/v1/chat/completions", stream)
    page.goto(address)
    page.get_by_label("System prompt").fill("Be short.")
    page.get_by_label("Message").fill("Hello <b>")
    page.keyboard.press("Enter")
    answer = page.locator(".msg").nth(1)
    expect(answer.locator("strong").last).to_have_text("Bold")
    expect(answer).to_contain_text("40 tokens")
    expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
    assert answer.locator("img").count() == 0
    assert [link.get_attribute("href") for link in answer.locator(".msg-b a").all()] == ["https://example.com/"]
    expect(answer.locator("pre")).to_have_text("if a < b:")
    expect(page.locator(".msg").first.locator(".msg-b")).to_have_text("Hello <b>")
    assert asked[0]["messages"] == [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello <b>"}]
    assert asked[0]["stream"] is True
    page.get_by_role("button", name="Generate again").click()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    expect(page.locator(".msg")).to_have_count(2)
    assert asked[1]["messages"] == asked[0]["messages"]
    page.get_by_label("Message").fill("And then?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".msg")).to_have_count(4)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    assert [each["role"] for each in asked[2]["messages"]] == ["system", "user", "assistant", "user"]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".msg")).to_have_count(0)


def test_refused_message_goes_back_into_the_field(visit):
    page, address = visit("text-generation")
    page.route("**/v1/chat/completions", lambda route: route.fulfill(status=503, json={"error": {"message": "It <i>sleeps</i>."}}))
    page.goto(address)
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_have_text("It <i>sleeps</i>.")
    expect(page.get_by_label("Message")).to_have_value("Hello")
    expect(page.locator(".msg")).to_have_count(0)


def test_request_is_checked_sent_and_its_images_are_shown(visit):
    page, address = visit("custom")
    sent = []
    parameters = [{"name": "top_k", "type": "int", "default": 5}]
    page.route(
        "**/metadata", lambda route: route.fulfill(json={"name": "Model", "signature": "(inputs, top_k=5)", "parameters": parameters})
    )

    def answer(route):
        sent.append(route.request.post_data_json)
        route.fulfill(json={"mask": {"content_type": "image/gif", "data": "R0lGODlhAQABAAAAACwAAAAAAQABAAA="}, "html": "<script>"})

    page.route("**/predict", answer)
    page.goto(address)
    body = page.locator("#id_body")
    body.fill("{oops")
    expect(page.locator("[data-json-error]")).to_contain_text("Not valid JSON")
    page.get_by_role("button", name="Send").click()
    assert sent == []
    body.fill('{"inputs": "x"}')
    page.get_by_label("top_k").fill("3")
    page.get_by_label("top_k").blur()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer-image")).to_have_count(1)
    expect(page.locator("[data-body]")).to_contain_text("<script>")
    assert sent == [{"inputs": "x", "parameters": {"top_k": 3}}]


def test_answer_is_marked_in_the_text(visit):
    page, address = visit("question-answering")
    page.route("**/predict", lambda route: route.fulfill(json={"answer": "Rome", "score": 0.91, "start": 16, "end": 20}))
    page.goto(address)
    page.locator("#id_context").fill("😀 Anna lives in Rome.")
    page.locator("#id_question").fill("Where?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("[data-answer] mark")).to_have_text("Rome")
    expect(page.locator("[data-score]")).to_have_text("Certainty 91.0%")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
@pytest.mark.parametrize("tab", ["", "/-/metrics", "/-/api", "/-/logs", "/-/versions", "/-/settings"])
def test_pages_have_no_accessibility_violation_and_fit(visit, width, theme, tab):
    page, address = visit("text-generation", width=width, theme=theme, log="one\n")
    page.goto(address + tab)
    assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
