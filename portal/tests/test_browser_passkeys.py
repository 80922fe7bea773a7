"""Second steps with a real browser: an authenticator app by its secret, a passkey by a virtual authenticator."""

import base64
import hmac
import re
import struct
import time

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import expect

from core.testing import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def code_of(secret):
    """The six digits an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), "sha1").digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


@pytest.fixture
def page(chromium, live_server, alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    page = chromium.new_context(base_url=live_server.url, locale="en-GB").new_page()
    page.set_default_timeout(10_000)
    page.goto("/account/login/?next=/account/2fa/")
    page.get_by_label("Handle or email").fill("alice")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/account/2fa/$"))
    yield page
    page.context.close()


def open_after_confirming(page, name):
    """Follow a link that asks for the password once more."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text("Confirm that it is you")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page):
    page.goto("/account/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/account/login/?next=/design")


def test_authenticator_app_guards_the_next_sign_in(page):
    open_after_confirming(page, "Set up")
    secret = page.locator(".field-copy code").inner_text()
    page.locator("#id_code").fill(code_of(secret))
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("h1")).to_have_text("Recovery codes")
    recovery = page.locator("#codes").inner_text().split()
    assert len(recovery) == 10
    sign_out(page)
    page.get_by_label("Handle or email").fill("alice")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("h1")).to_have_text("The second step")
    page.locator("#id_code").fill(recovery[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("h1")).to_have_text("Components and tokens")
    page.goto("/account/2fa/")
    expect(page.get_by_text("9 of 10 codes are unused.")).to_be_visible()


def test_passkey_signs_in_without_a_password(page):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    open_after_confirming(page, "Add")
    page.locator("#id_name").fill("My laptop")
    page.locator("#id_passwordless").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("h1")).to_have_text("Recovery codes")
    page.goto("/account/2fa/webauthn/")
    expect(page.get_by_text("My laptop")).to_be_visible()
    expect(page.get_by_text("Passkey", exact=True)).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("h1")).to_have_text("Components and tokens")


def test_refused_passkey_is_said_in_words(page):
    sign_out(page)
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new DOMException('closed', 'NotAllowedError')) }")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#toasts")).to_contain_text("The passkey was not used")
