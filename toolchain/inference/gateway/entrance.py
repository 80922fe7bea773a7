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
from django.db import DatabaseError
from django.utils.translation import get_supported_language_variant, override
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from core.errors import envelope
from core.problems import Forbidden, Missing, Problem, TooLarge
from toolchain.inference.gateway import sockets
from toolchain.inference.gateway.callers import Caller, Callers, admit, count_against, secret_of
from toolchain.inference.gateway.counting import Counting
from toolchain.inference.gateway.passing import PROTECTION, Account, Body, Left, TooMuch, TooSlow, Unreachable, Wires, pass_on
from toolchain.inference.gateway.routes import Route, Routes, Upstream, in_thread
from toolchain.inference.models import Service
from toolchain.inference.services import start_service

logger = logging.getLogger(__name__)

# What follows `/-/` are pages about the service, and so is its bare address.
_ADDRESS = re.compile(r"/services/(?P<namespace>[\w.-]{1,64})/(?P<name>[\w.-]{1,64})(?P<path>/(?!-/|-$).*|/)", re.DOTALL | re.ASCII)
SLACK = 5
"""Seconds that the gateway waits longer than the replica's own limit for a request."""
WAKE_SECONDS = 60
MOST_AT_ONCE = 192
"""Requests and sockets of services that one web process has at a time: the web server takes 256 connections, and pages need some of them."""
MOST_OF_ONE = 128
"""Those of one service, which leaves some for the others."""
# What a page takes in as a part of itself: what a stranger's program made must not become a script of one of ours.
_PARTS = frozenset(
    {"script", "style", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet", "xslt", "object", "embed", "manifest", "font"}
)  # fmt: skip


class Gateway:
    """Answers requests and opens sockets for `/services/<namespace>/<name>/…`; everything else goes to `application`."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.routes, self.callers, self.counts, self.wires = Routes(), Callers(), Counting(), Wires()
        self._busy = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = _ADDRESS.fullmatch(scope["path"]) if scope["type"] in ("http", "websocket") else None
        if found is None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": sockets.BARRED, "reason": "not_found"})
            return
        if found is None:
            await self.application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # RFC 9113, section 8.2.3: cookies may come in several lines.
        headers["cookie"] = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"cookie")
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
            reached = await self._pass(route, scope, receive, answering, path, account, headers)
        except Left:
            account.status = 499
        except TooMuch:
            await _refuse(answering, TooLarge("request_too_large", _("The request is larger than this gallery takes.")), path, account)
        except TooSlow:
            late = Problem("request_too_slow", _("The request came too slowly. Send it again over a better connection."), status=408)
            await _refuse(answering, late, path, account)
        except Problem as problem:
            if started:
                # An answer that has begun can only be cut off, so that nobody takes it for the whole.
                raise ConnectionAbortedError(problem.code) from problem
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
        # Where there is none the same is asked and answered: who may not call a service does not learn whether there is one.
        caller = await self._admit(route.service if route is not None else None, headers, method)
        if route is None:
            raise Missing("service_not_found", _("There is no service at this address, or you may not call it."))
        if caller.limit is not None:
            await in_thread(count_against, caller)
        return route

    async def _admit(self, service: Service | None, headers: dict[str, str], method: str) -> Caller:
        of = service.pk if service is not None else 0
        return await self.callers.find(of, secret_of(headers, method), lambda: in_thread(admit, service, headers, method))

    async def _check(self, service: Service, headers: dict[str, str], method: str, *, up: bool = False) -> None:
        """Raise `Problem` where who was let in may not go on: as `admit`, or, with `up`, 503 where the service is not to run any more.

        While that cannot be found out everything goes on.
        """
        try:
            route = await self.routes.find(service.namespace.handle, service.name)
            if route is None:
                raise _stopped()
            await self._admit(route.service, headers, method)
            if up and route.service.state not in Service.UP:
                raise _stopped()
        except DatabaseError:
            logger.exception("whether a caller of %s may go on could not be found out", service)

    async def _pass(self, route: Route, scope: Any, receive: Any, send: Any, path: str, account: Account, headers: dict[str, str]) -> bool:
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
                    check=lambda: self._check(service, headers, scope["method"]),
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

    def _hold(self, route: Route, place: Upstream | Route) -> None:
        """Count a request that goes to a replica of `route`, or waits for one.

        Raises `Problem` 429 beyond what its service may have at once, 503 beyond what all of them may.
        """
        service = route.service
        most = min(MOST_OF_ONE, (service.concurrency + service.queue) * max(1, len(route.upstreams)))
        if route.busy + sum(each.busy for each in route.upstreams) >= most:
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
        place.busy += 1
        self._busy += 1

    def _let_go(self, place: Upstream | Route) -> None:
        place.busy -= 1
        self._busy -= 1

    async def _upstream(self, route: Route) -> Upstream:
        """Return a replica; a service that sleeps is woken and waited for."""
        if (found := route.pick()) is not None:
            return found
        self._hold(route, route)
        try:
            return await self._woken(route)
        finally:
            self._let_go(route)

    async def _woken(self, route: Route) -> Upstream:
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
        if service.state in Service.UP:
            raise Problem("service_starting", _("The service is starting. Try again in a minute."), status=503, extra={"retry_after": 30})
        raise _stopped()

    async def _socket(self, scope: Any, receive: Any, send: Any, namespace: str, name: str, path: str, headers: dict[str, str]) -> None:
        account, route, reached = Account(), None, False
        try:
            # A page of another site may open a socket with a visitor's session, so it counts as a call that changes something.
            route = await self._admitted(namespace, name, headers, "POST")
            upstream, service = await self._upstream(route), route.service
            self._hold(route, upstream)
            try:
                reached = True
                await sockets.pass_on(
                    self.wires, upstream, scope=scope, path=path, receive=receive, send=send, account=account,
                    check=lambda: self._check(service, headers, "POST", up=True),
                )  # fmt: skip
            finally:
                self._let_go(upstream)
        except Problem as problem:
            account.status = account.status or problem.status
            code = sockets.AWAY if problem.status == 503 else sockets.BARRED
            with suppress(RuntimeError):
                await send({"type": "websocket.close", "code": code, "reason": problem.code})
        except (aiohttp.ClientError, OSError):
            account.status = 502
            with suppress(RuntimeError):
                await send({"type": "websocket.close", "code": sockets.BROKEN, "reason": "replica_failed"})
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


def _stopped() -> Problem:
    text = _("The service is stopped. Whoever looks after it can start it.")
    return Problem("service_stopped", text, status=503, extra={"retry_after": 30})


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
