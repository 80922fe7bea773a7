"""The ASGI application in front of services."""

import asyncio
import json
import logging
import re
import time
from contextlib import suppress
from typing import Any

import aiohttp
from django.conf import settings
from django.utils.translation import get_supported_language_variant, override
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from core.errors import envelope
from core.problems import Forbidden, Missing, Problem, TooLarge
from toolchain.inference.gateway import sockets
from toolchain.inference.gateway.callers import Caller, Callers, admit, count_against, secret_of
from toolchain.inference.gateway.counting import Counts
from toolchain.inference.gateway.passing import PROTECTION, Account, Body, Left, TooMuch, Unreachable, Wires, pass_on
from toolchain.inference.gateway.routes import Route, Routes, Upstream, in_thread
from toolchain.inference.models import Service
from toolchain.inference.services import start_service

logger = logging.getLogger(__name__)

# What follows `/-/` are pages about the service, and so is its bare address.
_ADDRESS = re.compile(r"/services/(?P<namespace>[^/]+)/(?P<name>[^/]+)(?P<path>/(?!-/|-$).*|/)", re.DOTALL)
SLACK = 5
"""Seconds that the gateway waits longer than the replica's own limit for a request."""
WAKE_SECONDS = 60
MOST_AT_ONCE = 192
"""Requests and sockets of services that one web process has at a time: the web server takes 256 connections, and pages need some of them."""
# What a page takes in as a part of itself: what a stranger's program made must not become a script of one of ours.
_PARTS = frozenset(
    {"script", "style", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet", "xslt", "object", "embed", "manifest", "font"}
)  # fmt: skip


class Gateway:
    """Answers requests and opens sockets for `/services/<namespace>/<name>/…`; everything else goes to `application`."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.routes, self.callers, self.counts, self.wires = Routes(), Callers(), Counts(), Wires()
        self._busy = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = _ADDRESS.fullmatch(scope["path"]) if scope["type"] in ("http", "websocket") else None
        if found is None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "not_found"})
            return
        if found is None:
            await self.application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # The path as it was sent: a service may tell %2F from a slash.
        raw = scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        path = "/" + raw.split("/", 4)[4] if raw.count("/") >= 4 else found["path"]
        with override(_language(headers.get("accept-language", ""))):
            if scope["type"] == "websocket":
                await self._socket(scope, receive, send, found["namespace"], found["name"], path, headers)
            else:
                await self._request(scope, receive, send, found["namespace"], found["name"], path, headers)

    async def _request(self, scope: Any, receive: Any, send: Any, namespace: str, name: str, path: str, headers: dict[str, str]) -> None:
        account = Account()
        started = False

        async def answering(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        route: Route | None = None
        reached = False
        try:
            route = await self._admitted(namespace, name, headers, scope["method"])
            reached = await self._pass(route, scope, receive, answering, path, account)
        except Left:
            account.status = 499
        except TooMuch:
            await _refuse(answering, TooLarge("request_too_large", _("The request is larger than this gallery takes.")), path, account)
        except Problem as problem:
            await _refuse(answering, problem, path, account)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            account.status = account.status or 502
            if not started:
                slow = isinstance(error, TimeoutError)
                code, text = (
                    ("timeout", _("The service did not answer in time."))
                    if slow
                    else ("replica_failed", _("The service ended while it answered. Try again."))
                )
                await _refuse(answering, Problem(code, text, status=504 if slow else 502), path, account)
            else:
                raise
        finally:
            if route is not None:
                self._count(route, account, reached)

    async def _admitted(self, namespace: str, name: str, headers: dict[str, str], method: str) -> Route:
        """Return the route to a service that the caller may call."""
        if headers.get("sec-fetch-dest", "") in _PARTS:
            raise Forbidden("no_page_part", _("Answers of services cannot be scripts, styles or other parts of a page."))
        route = await self.routes.find(namespace, name)
        if route is None:
            raise Missing("service_not_found", _("There is no service at this address, or you may not call it."))
        await self._admit(route.service, headers, method)
        return route

    async def _admit(self, service: Service, headers: dict[str, str], method: str) -> Caller:
        secret = secret_of(headers) + ("" if method in ("GET", "HEAD") else headers.get("origin", "") + headers.get("sec-fetch-site", ""))
        caller = await self.callers.find(service, secret, lambda: in_thread(admit, service, headers, method))
        if caller.limit is not None:
            await in_thread(count_against, caller)
        return caller

    async def _pass(self, route: Route, scope: Any, receive: Any, send: Any, path: str, account: Account) -> bool:
        """Pass the request to a replica, to another one where the first is gone; say whether one had it."""
        body = Body(receive, account, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        upstream = await self._upstream(route)
        service = route.service
        for attempt in (1, 2):
            self._hold(route, upstream)
            held = upstream
            try:
                await pass_on(
                    self.wires, upstream, method=scope["method"], path=path, query=scope.get("query_string", b"").decode("latin-1"),
                    headers=scope["headers"], body=body, send=send, account=account, seconds=service.request_limit + SLACK,
                )  # fmt: skip
                return True
            except Unreachable:
                await self.routes.find(service.namespace.handle, service.name, fresh=True)
                other = route.pick(without=upstream)
                if other is None or attempt == 2 or body.begun:
                    raise Problem(
                        "replica_gone",
                        _("The service is being started again. Try again in a few seconds."),
                        status=503,
                        extra={"retry_after": 5},
                    ) from None
                upstream = other
            finally:
                self._let_go(held)
        return False

    def _hold(self, route: Route, upstream: Upstream) -> None:
        """Count a request that goes to `upstream`. Raises `Problem` 429 beyond what its service may have at once, 503 beyond what all of them may."""
        service = route.service
        most = (service.concurrency + service.queue) * max(1, len(route.upstreams))
        if sum(each.busy for each in route.upstreams) >= most:
            raise Problem(
                "queue_full",
                _("The service has as many requests as it can hold. Try again in a moment."),
                status=429,
                extra={"retry_after": 1},
            )
        if self._busy >= MOST_AT_ONCE:
            raise Problem(
                "gateway_busy",
                _("The gallery passes on as many requests as it can. Try again in a moment."),
                status=503,
                extra={"retry_after": 1},
            )
        upstream.busy += 1
        self._busy += 1

    def _let_go(self, upstream: Upstream) -> None:
        upstream.busy -= 1
        self._busy -= 1

    async def _upstream(self, route: Route) -> Upstream:
        """Return a replica; a service that sleeps is woken and waited for."""
        if (found := route.pick()) is not None:
            return found
        service = route.service
        if service.state == Service.State.STOPPED and service.asleep:
            await in_thread(_wake, service.pk)
        end = time.monotonic() + WAKE_SECONDS
        while (
            service.state in (*Service.UP, Service.State.STOPPED)
            and (service.state in Service.UP or service.asleep)
            and time.monotonic() < end
        ):
            await asyncio.sleep(0.25)
            again = await self.routes.find(service.namespace.handle, service.name)
            if again is None:
                break
            service = again.service
            if (found := again.pick()) is not None:
                return found
        code, text = ("service_starting", _("The service is starting. Try again in a minute.")) if service.state in Service.UP else (
            "service_stopped", _("The service is stopped. Whoever looks after it can start it.")
        )  # fmt: skip
        raise Problem(code, text, status=503, extra={"retry_after": 30})

    async def _socket(self, scope: Any, receive: Any, send: Any, namespace: str, name: str, path: str, headers: dict[str, str]) -> None:
        account, route, reached = Account(), None, False
        try:
            # A page of another site may open a socket with a visitor's session, so it counts as a call that changes something.
            route = await self._admitted(namespace, name, headers, "POST")
            upstream = await self._upstream(route)
            self._hold(route, upstream)
            try:
                reached = True
                await sockets.pass_on(self.wires, upstream, scope=scope, path=path, receive=receive, send=send, account=account)
            finally:
                self._let_go(upstream)
        except Problem as problem:
            account.status = problem.status
            with suppress(RuntimeError):
                await send({"type": "websocket.close", "code": 1008, "reason": problem.code})
        except (aiohttp.ClientError, OSError):
            account.status = 502
            with suppress(RuntimeError):
                await send({"type": "websocket.close", "code": 1011, "reason": "replica_failed"})
        finally:
            if route is not None:
                self._count(route, account, reached)

    def _count(self, route: Route, account: Account, reached: bool) -> None:
        tokens = account.tokens
        first = round((account.first - account.began) * 1000) if account.first is not None else 0
        self.counts.add(
            route.service, milliseconds=account.milliseconds, replicas=len(route.upstreams), latency=reached,
            requests=1, errors=int(account.status >= 500), refused=int(400 <= account.status < 500),
            first_milliseconds=first, first_count=int(account.first is not None), tokens_in=tokens[0], tokens_out=tokens[1],
            bytes_in=account.bytes_in, bytes_out=account.bytes_out,
        )  # fmt: skip


def _language(accepted: str) -> str:
    """Return the language of our own sentences, by the header `Accept-Language`."""
    known = dict(settings.LANGUAGES)
    for code, _weight in parse_accept_lang_header(accepted.lower()):
        with suppress(LookupError):
            if (found := get_supported_language_variant(code)) in known:
                return found
    return str(settings.LANGUAGE_CODE)


def _wake(pk: int) -> None:
    """Start a service that sleeps; one of many callers does."""
    service = Service.objects.select_related("namespace", "spec").get(pk=pk)
    if service.asleep:
        with suppress(Problem):
            start_service(service=service, actor=None)


async def _refuse(send: Any, problem: Problem, path: str, account: Account) -> None:
    """Answer with a problem, in the form of OpenAI's where the path is one of its."""
    account.status = problem.status
    found = envelope(problem)
    if path.startswith("/v1/"):
        kind = "authentication_error" if problem.status == 401 else "invalid_request_error" if problem.status < 500 else "server_error"
        found = {"error": {"message": str(problem.detail), "type": kind, "param": None, "code": problem.code}}
    body = json.dumps(found, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *PROTECTION]
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if wait := found.get("retry_after") or (problem.extra or {}).get("retry_after"):
        headers.append((b"retry-after", str(wait).encode()))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
