"""What the tests of every room share: named people, clients, the access matrix, flat query counts.

Alice owns, Bob shares, Charlie is a stranger. The root `conftest.py` loads this module as a pytest plugin.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VIEWERS = ("visitor", "stranger", "reader", "contributor", "maintainer", "owner", "administrator")
PASSWORD = "a long enough passphrase"
SIGN_IN = "sign in"
"""Stands in an access table for a redirect to the sign-in page."""
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-domain-reliability", "--disable-sync", "--no-first-run", "--no-default-browser-check",
)  # fmt: skip
"""Of Chromium, which is to do what tests ask for and nothing else."""
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Those of axe that pages keep: WCAG 2.2, levels A and AA, and what its authors advise."""


def person(handle: str, **fields: Any) -> Any:
    """Return a new user with `PASSWORD` and the address `<handle>@example.com`."""
    manager: Any = apps.get_model("accounts", "User").objects
    return manager.create_user(handle, fields.pop("email", f"{handle.lower()}@example.com"), fields.pop("password", PASSWORD), **fields)


def organisation(handle: str, **members: Any) -> Any:
    """Return a new organisation; `members` maps role names in lower case to a user: `organisation("lab", owner=alice)`."""
    membership: Any = apps.get_model("accounts", "Membership")
    made: Any = apps.get_model("accounts", "Organisation")._default_manager.create(handle=handle, kind="organisation")
    for role, user in members.items():
        membership.objects.create(organisation=made, user=user, role=membership.Role[role.upper()])
    return made


@dataclass(frozen=True)
class People:
    """One person for each standing towards the organisation `atelier`."""

    alice: Any  # owner
    mona: Any  # maintainer
    bob: Any  # contributor
    rita: Any  # reader
    charlie: Any  # stranger
    ada: Any  # administrator
    atelier: Any

    def viewer(self, name: str) -> Any:
        """Return the person behind a name of `VIEWERS`."""
        return {
            "visitor": AnonymousUser(),
            "stranger": self.charlie,
            "reader": self.rita,
            "contributor": self.bob,
            "maintainer": self.mona,
            "owner": self.alice,
            "administrator": self.ada,
        }[name]


def make_people() -> People:
    """Create the people and their organisation; for `setUpTestData`, tests in functions use the fixture `people`."""
    alice, mona, bob, rita, charlie = (person(handle) for handle in ("alice", "mona", "bob", "rita", "charlie"))
    ada = person("ada", is_staff=True, is_superuser=True)
    return People(alice, mona, bob, rita, charlie, ada, organisation("atelier", owner=alice, maintainer=mona, contributor=bob, reader=rita))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in a browser last: while Playwright runs, its event loop is that of the thread, and tests with one of their own fail."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Browser]":
    """The browser, one process for all tests: each opens contexts, and closes them."""
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's own loop would make Django refuse the database in this thread.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        chromium = playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        yield chromium
        chromium.close()


def violations(page: "Page") -> list[str]:
    """Return what axe finds wrong with a page: the rule, the element, and what to do."""
    from axe_playwright_python.sync_playwright import Axe

    # Styles that axe would fetch by itself are asked for after the end of the test.
    results = Axe().run(page, options={"preload": False, "runOnly": list(RULES), "resultTypes": ["violations"]})
    return [
        f"{found['id']}: {node['target']} {node.get('failureSummary', '')}"
        for found in results.response["violations"]
        for node in found["nodes"][:4]
    ]


@pytest.fixture
def people(db: None) -> People:
    """The named people and the organisation `atelier` they stand around."""
    return make_people()


@pytest.fixture
def alice(db: None) -> Any:
    """Alice, who owns what the test is about."""
    return person("alice")


@pytest.fixture
def bob(db: None) -> Any:
    """Bob, with whom something is shared."""
    return person("bob")


@pytest.fixture
def charlie(db: None) -> Any:
    """Charlie, a stranger."""
    return person("charlie")


@pytest.fixture
def ada(db: None) -> Any:
    """Ada, an administrator."""
    return person("ada", is_staff=True, is_superuser=True)


def browser(user: Any = None) -> Client:
    """Return a client for pages, signed in as `user` unless that is None or anonymous."""
    client = Client()
    if user is not None and user.is_authenticated:
        client.force_login(user)
    return client


def token(user: Any, scope: str = "write", **fields: Any) -> str:
    """Return the secret of a new access token of `user`."""
    secret: str = apps.get_model("accounts", "AccessToken")(user=user, name="test", scope=scope, **fields).issue()
    return secret


def api(user: Any = None, scope: str = "write", **fields: Any) -> APIClient:
    """Return a client for REST that sends a new access token of `user`, or none where `user` is None or anonymous."""
    client = APIClient()
    if user is not None and user.is_authenticated:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token(user, scope, **fields)}")
    return client


SURFACES: dict[str, Callable[[Any], Any]] = {"page": browser, "rest": api}


def assert_access(
    *,
    people: People,
    surface: str,
    expected: Mapping[str, int | str],
    request: Callable[[Any], Any],
    state: Callable[[], Any] | None = None,
) -> None:
    """Send `request(client)` as every viewer and compare the status with `expected[viewer]`, a number or `SIGN_IN`.

    Every viewer starts from the same rows: what a request writes is rolled back. After a refusal `state()` must be what it
    was before. `expected` names all of `VIEWERS`.
    """
    assert set(expected) == set(VIEWERS), f"name every viewer: {set(VIEWERS) ^ set(expected)}"
    got: dict[str, int | str] = {}
    for viewer in VIEWERS:
        client = SURFACES[surface](people.viewer(viewer))
        with rolled_back():
            before = state() if state else None
            response = request(client)
            refused = response.status_code >= 400 or _asks_to_sign_in(response)
            got[viewer] = SIGN_IN if _asks_to_sign_in(response) else response.status_code
            if refused and state:
                assert state() == before, f"{viewer} was refused with {got[viewer]}, yet something changed"
    assert got == dict(expected)


def _asks_to_sign_in(response: Any) -> bool:
    return bool(response.status_code == 302 and response["Location"].split("?")[0] == reverse("account_login"))


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what the block writes to the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def count_queries(fetch: Callable[[], Any]) -> int:
    """Return how many SQL statements `fetch` sends, without savepoints."""
    with CaptureQueriesContext(connection) as captured:
        fetch()
    return sum("SAVEPOINT" not in query["sql"] for query in captured.captured_queries)


def assert_flat_queries(target: str | Callable[[], Any], add_row: Callable[[], Any], *, client: Any = None) -> None:
    """Assert that showing ten rows sends as many SQL statements as showing two.

    `target` is an address, fetched with `client` or as a visitor, or a function. `add_row` makes one row more.
    """

    def fetch() -> None:
        if callable(target):
            target()
            return
        response = (client or Client()).get(target)
        assert response.status_code == 200, f"{target} answered {response.status_code}"
        if getattr(response, "streaming", False):
            b"".join(response)

    for _row in range(2):
        add_row()
    fetch()  # fills the caches that a process fills once
    few = count_queries(fetch)
    for _row in range(8):
        add_row()
    many = count_queries(fetch)
    assert many <= few, f"{few} statements for 2 rows, {many} for 10"
