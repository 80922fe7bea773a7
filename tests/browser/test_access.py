"""Use on application, from the first wish to the end of the grant; onboarding with the code from the mail; marks without script."""

import email
import re
import time
import urllib.error
from collections.abc import Callable
from email import policy
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.person import PASSWORD, Person
from tests.live import Gallery

CONTENT = "hour,mm\n1,0.5\n2,3.25\n" * 400
FILES = {"README.md": "---\nlicense: mit\n---\n# Rain\n\nMeasured on our roof.\n", "rain.csv": CONTENT}


def fetched(gallery: Gallery, secret: str, path: str) -> bytes | int:
    """Return what a program with this token gets, or the status of the refusal."""
    try:
        return gallery.fetch(path, Authorization=f"Bearer {secret}")
    except urllib.error.HTTPError as error:
        return error.code


def mailed(gallery: Gallery, receiver: str, words: str) -> str:
    """Return the text of the newest mail to `receiver` that contains `words`."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in sorted((gallery.data / "mail").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
            for part in re.split(r"^-{79}\n", path.read_text(), flags=re.MULTILINE):
                message = email.message_from_string(part, policy=policy.default)
                body = message.get_body(("plain",))
                text = body.get_content() if body else ""
                if receiver in str(message["To"]) and words in text:
                    return str(text)
        time.sleep(0.2)
    raise AssertionError(f"no mail with “{words}” to {receiver}")


def test_use_is_asked_for_granted_and_revoked(arrive: Callable[..., Person], gallery: Gallery, handle: str, tmp_path: Path) -> None:
    owner = arrive().sign_up(f"owner-{handle}").speak("en")
    reader = arrive(accept_downloads=True).sign_up(f"reader-{handle}").speak("en")
    secret = gallery.manage("token", f"reader-{handle}", "--scope", "read").strip()
    owner.call("POST", "/api/v1/datasets", {"name": "rain"})
    path = f"/datasets/owner-{handle}/rain"
    owner.commit(path, FILES)
    resolve = f"{path}/resolve/main/rain.csv"

    page = owner.open(f"{path}/publish")
    page.get_by_role("radio", name=re.compile("^On application")).check()
    page.get_by_role("spinbutton", name=re.compile("^Days that a grant lasts")).fill("30")
    page.get_by_label(re.compile("^I have the right to publish this")).check()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url(re.compile(f"{path}$"))

    reader.open(f"{path}/files/main/rain.csv", status=403)
    assert fetched(gallery, secret, resolve) == 403
    page = reader.open(path)
    expect(page.locator(".prose")).to_contain_text("Measured on our roof.")
    page.get_by_role("link", name="Request access").first.click()
    page.get_by_label(re.compile("^What do you want to use it for")).fill("To water the garden at the right time.")
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url(re.compile("/me/requests"))
    expect(page.locator("#requests")).to_contain_text("To water the garden at the right time.")
    assert fetched(gallery, secret, resolve) == 403

    page = owner.open("/me/inbox")
    page.get_by_role("link", name=re.compile(f"reader-{handle} wants to use")).click()
    page.wait_for_url(re.compile("/me/approvals"))
    expect(page.locator(".inbox-view")).to_contain_text("To water the garden at the right time.")
    page.get_by_role("button", name=re.compile("^Approve")).last.click()
    expect(page.locator("#approvals")).to_contain_text("Nothing waits for you")

    page = reader.open("/me/inbox")
    expect(page.locator(".notices")).to_contain_text("is approved")
    page = reader.open(f"{path}/files/main/rain.csv")
    expect(page.locator("td", has_text="3.25").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).first.click()
    download.value.save_as(tmp_path / "rain.csv")
    assert (tmp_path / "rain.csv").read_bytes() == CONTENT.encode()
    assert fetched(gallery, secret, resolve) == CONTENT.encode()
    assert fetched(gallery, secret, f"/api/v1{path}/resolve/main/rain.csv") == CONTENT.encode()

    page = owner.open(f"{path}/settings/access")
    page.get_by_label(f"Choose reader-{handle}").check()
    page.get_by_label("Reason needed when revoking").fill("The roof is being mended.")
    page.get_by_role("button", name="Revoke selected").click()
    expect(page.locator("#register")).to_contain_text("The roof is being mended.")
    expect(page.locator("#users")).to_contain_text("Nobody yet")

    reader.open(f"{path}/files/main/rain.csv", status=403)
    assert reader.context.request.get(resolve).status == 403
    assert [fetched(gallery, secret, f"{start}{path}/resolve/main/rain.csv") for start in ("", "/api/v1")] == [403, 403]
    assert fetched(gallery, secret, f"{path}/zip/main") == 403
    page = reader.open(path)
    expect(page.get_by_role("link", name="Request access").first).to_be_visible()
    expect(reader.open("/me/inbox").locator(".notices")).to_contain_text("The roof is being mended.")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_newcomer_is_onboarded_with_the_code_from_the_mail(
    arrive: Callable[..., Person], gallery: Gallery, handle: str, language: str
) -> None:
    person = arrive().sign_up(handle).speak(language)
    page = person.open("/welcome?next=/datasets")
    page.locator("[name=nickname]").fill("Wren")
    page.locator("[name=email]").fill(f"{handle}@example.com")
    page.locator(".code-fields button").click()
    expect(page.locator("#welcome")).to_contain_text(f"{handle}@example.com")
    found = re.search(r"\b(\d{6})\b", mailed(gallery, f"{handle}@example.com", ""))
    assert found is not None
    page.locator("[name=code]").fill("000000" if found[1] != "000000" else "111111")
    for box in page.locator("[name=agreements]").all():
        box.check()
    page.locator("#welcome .btn-primary").click()
    expect(page.locator("[name=code][aria-invalid]")).to_be_visible()
    page.locator("[name=code]").fill(found[1])
    for box in page.locator("[name=agreements]").all():
        box.check()
    page.locator("#welcome .btn-primary").click()
    page.wait_for_url(re.compile("/datasets$"))
    assert person.call("GET", "/api/v1/me")["nickname"] == "Wren"


def test_favourite_is_kept_without_script(arrive: Callable[..., Person], handle: str) -> None:
    arrive().sign_up(handle)
    person = arrive(script=False)
    page = person.open("/account/login/")
    page.get_by_label("Handle or email").fill(handle)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    person.speak("en")
    page = person.open("/models/yunhe-lab/Yunhe-7B-Chat")
    heart = page.locator("form[action$='/favourite'] button")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(person.open("/me/favourites").locator("main")).to_contain_text("Yunhe-7B-Chat")
    page = person.open("/models/yunhe-lab/Yunhe-7B-Chat")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    expect(person.open("/me/favourites").locator("main")).not_to_contain_text("Yunhe-7B-Chat")
