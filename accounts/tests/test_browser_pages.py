"""What only a browser can say of the account pages: axe, reflow, switches that act at once, pictures, no script."""

from io import BytesIO
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.core.cache import cache
from django.core.files.storage import default_storage
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from accounts import services
from accounts.models import AccessToken, Organisation, User
from accounts.tests.hooks import make_webhook
from accounts.tests.test_codes import code_in
from core.testing import PASSWORD, make_people

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("/me/profile", "/me/tokens", "/me/organisations", "/organisations/new", "/atelier/-/members", "/atelier/-/settings",
         "/me/email", "/me/following", "/welcome", "/agreements/publishing", "/agreements/service/1", "/bob")  # fmt: skip


def sign_in(chromium: Browser, live_server: Any, **options: Any) -> Page:
    """Return a page in which Alice, the owner of `atelier`, has signed in."""
    make_people()
    context = chromium.new_context(base_url=live_server.url, locale="en-GB", reduced_motion="reduce", **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto("/account/login/")
    page.fill("[name=login]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button.btn-primary")
    page.wait_for_url("**/")
    return page


def webhook_pages() -> tuple[str, ...]:
    """Return the pages of a webhook of Alice and one of `atelier`, each with a delivery that failed."""
    addresses: list[str] = []
    alice = User.objects.get(handle="alice")
    for namespace in (alice, Organisation.objects.get(handle="atelier")):
        webhook = make_webhook(alice, f"https://example.com/{'long' * 40}", namespace=namespace)
        delivery = services.ping(webhook=webhook, actor=alice)
        services.deliver(delivery_id=delivery.pk, resolver=lambda _host, _port: [])
        page = webhook.get_absolute_url()
        addresses += [page.rpartition("/")[0], page, f"{page}/deliveries/{delivery.pk}"]
    return tuple(addresses)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_pages_are_accessible_and_fit(chromium: Browser, live_server: Any, width: int, theme: Any) -> None:
    page = sign_in(chromium, live_server, viewport={"width": width, "height": 900}, color_scheme=theme)
    AccessToken(user=User.objects.get(handle="alice"), name="laptop").issue()
    found = []
    for address in (*PAGES, *webhook_pages()):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, address
        found += [(address, violation["id"], violation["nodes"][0]["html"]) for violation in Axe().run(page).response["violations"]]
    page.context.close()
    assert found == []


def test_switch_acts_at_once(chromium: Browser, live_server: Any) -> None:
    page = sign_in(chromium, live_server)
    page.goto("/me/profile")
    page.click("[name=email_notifications]")
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    page.context.close()
    assert User.objects.get(handle="alice").email_notifications is False


def test_picture_is_chosen_and_shown(chromium: Browser, live_server: Any) -> None:
    data = BytesIO()
    Image.new("RGB", (300, 200), "teal").save(data, "PNG")
    page = sign_in(chromium, live_server)
    page.goto("/me/profile")
    page.click("text=Change picture")
    page.set_input_files("[name=avatar]", {"name": "me.png", "mimeType": "image/png", "buffer": data.getvalue()})
    page.click("text=Save picture")
    expect(page.locator("#toasts")).to_contain_text("Picture saved.")
    assert page.evaluate("document.querySelector('.prof img.avatar').naturalWidth") == 200
    page.context.close()


def test_part_of_a_picture_is_chosen_with_the_keyboard(chromium: Browser, live_server: Any) -> None:
    made, data = Image.new("RGB", (300, 200), "teal"), BytesIO()
    made.paste("red", (250, 0, 300, 50))
    made.save(data, "PNG")
    page = sign_in(chromium, live_server)
    page.goto("/me/profile")
    page.click("text=Change picture")
    expect(page.get_by_label("Left and right")).to_be_hidden()
    page.set_input_files("[name=avatar]", {"name": "me.png", "mimeType": "image/png", "buffer": data.getvalue()})
    size, across, down = (page.get_by_label(label) for label in ("Size", "Left and right", "Up and down"))
    expect(across).to_have_value("50")
    size.press("Home")
    assert (size.input_value(), across.input_value(), down.input_value()) == ("25", "138", "88")
    across.press("End")
    down.press("Home")
    page.click("text=Save picture")
    expect(page.locator("#toasts")).to_contain_text("Picture saved.")
    page.context.close()
    with default_storage.open(User.objects.get(handle="alice").avatar.name) as file, Image.open(BytesIO(file.read())) as kept:
        assert (kept.size, kept.convert("RGB").getpixel((12, 12))[0] > 240) == ((25, 25), True)


@pytest.mark.parametrize("script", [True, False])
def test_person_is_onboarded_and_comes_back(chromium: Browser, live_server: Any, script: bool) -> None:
    cache.clear()
    page = sign_in(chromium, live_server, java_script_enabled=script)
    page.goto("/welcome?next=/models")
    page.get_by_label("Display name").fill("Alice Liddell")
    page.get_by_label("Service agreement").check()
    page.get_by_role("button", name="Send code").click()
    expect(page.locator(".note")).to_contain_text("A code is on its way to alice@example.com")
    expect(page.get_by_label("Service agreement")).to_be_checked()
    page.get_by_label("Digital content publishing agreement").check()
    page.get_by_label("Code").fill(code_in(mail.outbox[-1]))
    page.get_by_label("Code").press("Enter")
    page.wait_for_url("**/models")
    page.context.close()
    alice = User.objects.get(handle="alice")
    assert (alice.nickname, alice.onboarded_at is not None, len(mail.outbox)) == ("Alice Liddell", True, 1)


def test_everything_works_without_script(chromium: Browser, live_server: Any) -> None:
    page = sign_in(chromium, live_server, java_script_enabled=False)
    page.goto("/me/profile")
    page.uncheck("[name=keyboard_shortcuts]")
    page.click("form[action$=habits] button")
    expect(page.locator("[name=keyboard_shortcuts]")).not_to_be_checked()
    page.goto("/me/tokens")
    page.fill("[name=name]", "laptop")
    page.click("text=Create token")
    expect(page.locator("code")).to_contain_text("agt_")
    page.goto("/atelier/-/members")
    page.fill("#id_handle", "charlie")
    page.click("text=Add member")
    expect(page.locator("table")).to_contain_text("charlie")
    page.context.close()
