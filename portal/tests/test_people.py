from core.testing import People, api, browser, token


def test_token_acts_for_its_user(people: People) -> None:
    assert token(people.alice).startswith("agt_")
    assert api(people.alice).get("/healthz").status_code == 200


def test_browser_is_signed_in(people: People) -> None:
    assert browser(people.bob).session["_auth_user_id"] == str(people.bob.pk)
