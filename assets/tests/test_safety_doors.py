"""Where dangerous files are blocked, their bytes leave by no door, and everything else stays as it was."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from assets.models import Asset
from assets.tests.files import head
from assets.tests.inspected import EVIL, JUDGED, PAGE, REST, make_read
from core.testing import VIEWERS, People, api, assert_access, browser
from repos.models import DailyDownloads

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(people: People, settings: Any) -> Asset:
    settings.BLOCK_DANGEROUS = True
    return make_read(people, JUDGED)


def doors(commit: str) -> dict[str, str]:
    """Every address that hands out the bytes of `evil.pkl`, alone or with others, by page and REST."""
    alone = [f"/resolve/{revision}/evil.pkl{query}" for revision in ("main", commit) for query in ("", "?inline=1", "?download=1")]
    return (
        {f"page {path}": PAGE + path for path in alone}
        | {f"rest {path}": REST + path for path in alone}
        | {f"page {path}": PAGE + path for path in ("/zip/main", f"/zip/{commit}", "/zip/main/old", "/zip/main/old/deep")}
    )


def content(response: Any) -> bytes:
    return b"".join(response) if getattr(response, "streaming", False) else bytes(response.content)


@pytest.mark.parametrize("method", ["get", "head"])
def test_no_door_hands_out_a_dangerous_file(people: People, judged: Asset, method: str) -> None:
    for user in (None, people.charlie, people.rita, people.bob):
        for name, address in doors(head(judged)).items():
            client = api(user) if name.startswith("rest") else browser(user)
            response = getattr(client, method)(address)
            assert response.status_code == 403, f"{name} answered {response.status_code}"
            assert EVIL not in content(response)
    assert DailyDownloads.objects.count() == 0


def test_ranges_and_conditions_open_no_door(people: People, judged: Asset) -> None:
    for headers in ({"Range": "bytes=0-3"}, {"If-None-Match": '"x"'}, {"If-Range": '"x"', "Range": "bytes=0-"}):
        assert browser().get(f"{PAGE}/resolve/main/evil.pkl", headers=headers).status_code == 403


def test_confirmation_is_for_those_who_may_configure(people: People, judged: Asset) -> None:
    expected = dict(zip(VIEWERS, (403, 403, 403, 403, 200, 200, 200), strict=True))

    def confirmed(base: str) -> Callable[[Any], Any]:
        return lambda client: client.get(f"{base}/resolve/main/evil.pkl?confirm=dangerous")

    for surface, base in (("page", PAGE), ("rest", REST)):
        assert_access(people=people, surface=surface, expected=expected, request=confirmed(base))
    assert content(browser(people.mona).get(f"{PAGE}/resolve/main/evil.pkl?confirm=dangerous")) == EVIL
    for sign in ("", "?confirm=yes", "?confirm=1", "?confirm="):
        assert browser(people.alice).get(f"{PAGE}/resolve/main/evil.pkl{sign}").status_code == 403


def test_a_reading_token_of_an_owner_confirms_nothing(people: People, judged: Asset) -> None:
    assert api(people.alice, "read").get(f"{REST}/resolve/main/evil.pkl?confirm=dangerous").status_code == 403


def test_refusal_says_what_to_do(people: People, judged: Asset) -> None:
    answer = api().get(f"{REST}/resolve/main/evil.pkl").json()
    assert (answer["code"], answer["files"]) == ("dangerous_file", ["evil.pkl"])
    assert answer["detail"] == (
        "The safety scan found “evil.pkl” dangerous, so it is not handed out here. Its page says why. Fetch the other files one by one, or ask the owner to replace it."
    )
    assert "add “?confirm=dangerous” to the address" in api(people.alice).get(f"{REST}/resolve/main/evil.pkl").json()["detail"]
    answer = browser().get(f"{PAGE}/zip/main", headers={"Accept": "application/json"}).json()
    assert answer["files"] == ["evil.pkl", "old/deep/state.pkl"]


def test_a_confirmed_zip_holds_everything(people: People, judged: Asset) -> None:
    packed = content(browser(people.alice).get(f"{PAGE}/zip/main?confirm=dangerous"))
    assert zipfile.ZipFile(io.BytesIO(packed)).read("evil.pkl") == EVIL


@pytest.mark.parametrize("path", ["notes.txt", "config.json", "broken.pkl", "README.md"])
def test_files_that_are_not_dangerous_are_handed_out(people: People, judged: Asset, path: str) -> None:
    assert browser().get(f"{PAGE}/resolve/main/{path}").status_code == 200
    assert api().get(f"{REST}/resolve/main/{path}").status_code == 200


def test_pages_show_the_verdict_and_no_way_to_the_bytes(people: People, judged: Asset) -> None:
    for user, confirm in ((None, False), (people.bob, False), (people.alice, True)):
        html = browser(user).get(f"{PAGE}/files/main/evil.pkl").content.decode()
        assert "It is not handed out here." in html
        assert f'href="{PAGE}/resolve/main/evil.pkl"' not in html
        assert ("?confirm=dangerous" in html) is confirm
        listed = browser(user).get(f"{PAGE}/files").content.decode()
        assert f'href="{PAGE}/resolve/main/evil.pkl"' not in listed
        assert f'href="{PAGE}/zip/main/old"' not in listed
        assert f'href="{PAGE}/resolve/main/notes.txt"' in listed


def test_text_of_a_dangerous_file_is_still_shown(people: People, settings: Any) -> None:
    settings.BLOCK_DANGEROUS = True
    secret = b"cos\nsystem\n(S'true'\ntR."
    make_read(people, {"state.txt": secret})
    assert browser().get(f"{PAGE}/resolve/main/state.txt").status_code == 403
    assert "system" in browser().get(f"{PAGE}/files/main/state.txt").content.decode()


def test_without_the_setting_nothing_is_kept_back(people: People, judged: Asset, settings: Any) -> None:
    settings.BLOCK_DANGEROUS = False
    openers: list[Callable[[str], Any]] = [browser().get, api().get]
    for name, address in doors(head(judged)).items():
        assert openers[name.startswith("rest")](address).status_code == 200, name
