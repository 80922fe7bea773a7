"""A person with a browser of their own, watched for errors nobody would see."""

import time
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect

from tests.live import Gallery

READ_WITHIN = 600
PASSWORD = "a long enough passphrase"
REFUSAL = "Failed to load resource: the server responded with a status of 4"


def wait_for_tables(gallery: Gallery, path: str) -> None:
    """Wait until the worker has read the tables of the dataset whose page `path` is."""
    dataset = "/".join(path.split("/")[:4])
    until = time.monotonic() + READ_WITHIN
    while (state := gallery.call("GET", f"/api/v1{dataset}/tables")["state"]) in ("waiting", "reading"):
        assert time.monotonic() < until, f"{dataset} is still {state}"
        time.sleep(0.5)


class Person:
    """What somebody does: a page, a session, and REST calls with the same session."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.problems: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        context.on("response", self._response)
        self.page: Page = context.new_page()

    def _console(self, message: ConsoleMessage) -> None:
        # The browser reports every refusal as an error; which ones are right is what the tests state.
        if message.type in ("error", "warning") and not message.text.startswith(REFUSAL):
            self.problems.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and "/static/" in response.url):
            self.problems.append(f"{response.request.method} {response.url} answered {response.status}")

    def _posted(self, path: str, fields: dict[str, str]) -> None:
        answer = self.context.request.post(path, form={**fields, "csrfmiddlewaretoken": self.csrf()})
        assert answer.ok, f"{path} answered {answer.status}"

    def csrf(self) -> str:
        """Return the token that the site asks back with every form and call."""

        def cookie() -> str:
            return next((str(found["value"]) for found in self.context.cookies() if found["name"] == "csrftoken"), "")

        if not cookie():
            self.context.request.get("/account/login/")
        return cookie()

    def sign_in(self, handle: str) -> "Person":
        """Sign in without the page, and keep the language that this browser has been given."""
        language = next((str(found["value"]) for found in self.context.cookies() if found["name"] == "gallery_language"), "")
        self._posted("/account/login/", {"login": handle, "password": PASSWORD})
        if language:
            self.speak(language)
        return self

    def sign_up(self, handle: str) -> "Person":
        """Make an account without the page, and be signed in to it."""
        self._posted("/account/signup/", {"email": f"{handle}@example.com", "username": handle, "password1": PASSWORD})
        return self

    def speak(self, language: str) -> "Person":
        """Choose the language of the pages: `en` or `zh-hans`."""
        self._posted("/language", {"language": language, "next": "/robots.txt"})
        return self

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the decoded answer to a REST call with this person's session."""
        answer = self.context.request.fetch(path, method=method, data=body, headers={"X-CSRFToken": self.csrf()})
        assert answer.ok, f"{method} {path} answered {answer.status}: {answer.text()[:500]}"
        return answer.json() if answer.status != 204 else None

    def make(self, name: str, files: dict[str, str] | None = None, *, kind: str = "models", **facts: Any) -> str:
        """Create a public asset with text files and return the path of its page."""
        owner = self.call("GET", "/api/v1/me")["handle"]
        self.call("POST", f"/api/v1/{kind}", {"name": name, **facts})
        path = f"/{kind}/{owner}/{name}"
        if files:
            self.commit(path, files)
        self.call("POST", f"/api/v1{path}/publish", {})
        return path

    def commit(self, path: str, files: dict[str, str], message: str = "Add files") -> str:
        """Put text files into one commit and return its id."""
        puts = [{"op": "put", "path": file, "content": text} for file, text in files.items()]
        return str(self.call("POST", f"/api/v1{path}/commits", {"message": message, "operations": puts})["sha"])

    def open(self, path: str, *, status: int = 200) -> Page:
        """Go to an address, which must answer `status`."""
        response = self.page.goto(path)
        assert response is not None and response.status == status, f"{path} answered {response and response.status}"
        return self.page

    def read_through(self, path: str) -> None:
        """Open the page of an asset once the worker has read its last commit."""
        self.open(path)
        expect(self.page.get_by_text("The files are being read.")).to_have_count(0)
