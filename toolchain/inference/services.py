"""Deploying, changing, stopping and removing services, and their keys and saved requests."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from accounts.services import record
from assets.models import Asset
from core.permissions import require
from core.problems import Conflict, Invalid, Missing
from jobs.services import enqueue
from toolchain.compute.limits import check_order, order_of
from toolchain.inference.models import WANTED, Example, Generation, Key, Service
from toolchain.inference.news import tell_state
from toolchain.inference.offers import offer_of
from toolchain.models import Run, Spec

PURPOSE = "service"
MOST_REPLICAS = 64
KEY_PREFIX = "svc_"
SETTINGS = ("replicas", "most_replicas", "limit", "idle_limit", "request_limit", "concurrency", "queue", "shared")
"""What of a service may be changed at any time; its spec and model revision are rolled out."""
MOST_EXAMPLES = 100
MOST_KEYS = 100


def deploy_service(
    *,
    actor: User,
    namespace: Namespace,
    model: Asset,
    name: str,
    task: str,
    spec: Spec,
    revision: str = "",
    engine: str = "",
    **options: Any,
) -> Service:
    """Return a new service that is about to start, read for `actor`.

    `namespace` and `model` were read for `actor`. `task` is the inference task type, `engine` one that it offers, by default the first; `options` are those
    of `SETTINGS`, `environment` for scripts of a model's own. Raises `Invalid` with messages by field, `Conflict` for a taken name.
    """
    require(namespace, "create_asset")
    require(model, "deploy")
    offer = offer_of(actor, model, revision)
    kind = offer.task(task)
    if kind is None:
        raise Invalid({"task": [_("The model cannot be deployed this way. Choose one of the inference task types that are offered.")]})
    engines = offer.engines(task, spec)
    engine = engine or next(iter(engines), "")
    environments, base = offer.environments(task, engine), offer.base_for(task)
    service = Service(
        namespace=namespace, creator=actor, name=name, model=model, model_name=model.repo_id, revision=revision,
        model_commit=offer.commit, task=task, engine=engine,
        environment=options.pop("environment", "") or environments[0], spec=spec, base=base.asset, base_commit=base.commit,
    )  # fmt: skip
    _apply(service, options)
    errors = _problems(service)
    if engine not in engines:
        errors["engine"] = [_("Choose one of the engines that are offered for this model and this spec.")]
    if service.environment not in environments:
        errors["environment"] = [_("Choose one of the environments that are offered.")]
    if below := offer.unfit(spec):
        errors["spec"] = [below]
    if errors:
        raise Invalid(errors)
    check_order(order_of(namespace, spec, service.limit, purpose=PURPOSE, count=service.replicas))
    try:
        with transaction.atomic():
            service.save(force_insert=True)
            note(service, actor, "deploy")
            look_after(service)
    except IntegrityError as error:
        raise Conflict("service_name_taken", _("There is a service of this name already. Choose another name.")) from error
    return Service.objects.for_user(actor).whole().get(pk=service.pk)


def start_service(*, service: Service, actor: User | None) -> None:
    """Start a service that is stopped or failed; nobody is `actor` where a call woke it. Raises `Conflict` where it is not, `Invalid` as `deploy_service`."""
    if actor is not None:
        require(service, "start")
    check_order(order_of(service.namespace, service.spec, service.limit, purpose=PURPOSE, count=service.replicas))
    with transaction.atomic():
        if not service.start():
            raise Conflict("service_not_stopped", _("Only a service that is stopped or failed can be started."))
        _take_over(service, actor)
        # A new generation, whatever became of the last one.
        Generation.objects.filter(service=service).exclude(state__in=["gone", "failed"]).update(
            state=Generation.State.GONE, ended_at=timezone.now()
        )
        note(service, actor, "start")
        look_after(service)


def stop_service(*, service: Service, actor: User) -> None:
    """Stop a service in order: requests that it has are answered. Raises `Conflict` where it is stopped already."""
    require(service, "stop")
    with transaction.atomic():
        if not service.request_stop():
            raise Conflict("service_over", _("This service is stopped already."))
        tell_state(service)
        note(service, actor, "stop")
        look_after(service)


def restart_service(*, service: Service, actor: User) -> None:
    """Replace all processes of a service by new ones, without a gap where it runs. Raises `Conflict` where it is stopped."""
    require(service, "start")
    with transaction.atomic():
        if service.state not in Service.UP:
            raise Conflict("service_not_running", _("This service does not run. Start it instead."))
        _take_over(service, actor)
        newest = service.generations.first()
        if newest is not None:
            _roll(service, newest)
        note(service, actor, "restart")
        look_after(service)


def change_service(*, service: Service, actor: User, changes: Mapping[str, Any]) -> Service:
    """Change what is wanted of a service: any of `SETTINGS`, `spec`, `revision`. Where it runs a new spec or revision is rolled out, without a gap.

    Raises `Invalid` with messages by field.
    """
    require(service, "configure")
    changes = dict(changes)
    errors: dict[str, list[str]] = {}
    if "spec" in changes or "revision" in changes:
        model = Asset.objects.for_user(actor).whole().filter(pk=service.model_id or 0).first()
        if model is None:
            raise Missing("model_gone", _("The model is not there any more, or you may not use it any more."))
        require(model, "deploy")
        spec, revision = changes.pop("spec", service.spec), changes.pop("revision", service.revision)
        offer = offer_of(actor, model, revision)
        if offer.task(service.task) is None:
            errors["revision"] = [_("This version of the model cannot be deployed as “%(task)s”.") % {"task": service.task}]
        elif below := offer.unfit(spec):
            errors["spec"] = [below]
        elif service.engine not in (engines := offer.engines(service.task, spec)):
            service.engine = next(iter(engines), service.engine)
            service.environment = offer.environments(service.task, service.engine)[0]
        base = offer.base_for(service.task)
        service.spec, service.revision, service.base, service.base_commit = spec, revision, base.asset, base.commit
        service.model_commit = offer.commit
    _apply(service, changes)
    errors |= _problems(service)
    if errors:
        raise Invalid(errors)
    if service.state in Service.UP:
        check_order(order_of(service.namespace, service.spec, service.limit, purpose=PURPOSE, count=service.replicas))
    with transaction.atomic():
        service.error, service.detail = ("", {}) if service.state in Service.UP else (service.error, service.detail)
        service.save(update_fields=[*SETTINGS, *WANTED, "error", "detail"])
        note(service, actor, "change")
        look_after(service)
    return service


def roll_back(*, service: Service, actor: User, number: int) -> Service:
    """Have a service run as it did in an earlier generation again. Raises `Missing` for one that never served."""
    require(service, "configure")
    before = service.generations.filter(number=number).exclude(served_at=None).select_related("spec").first()
    if before is None:
        raise Missing("generation_not_found", _("There is no earlier version of this number that ever answered requests."))
    if service.state in Service.UP:
        check_order(order_of(service.namespace, before.spec, service.limit, purpose=PURPOSE, count=service.replicas))
    with transaction.atomic():
        for field in WANTED:
            setattr(service, field, getattr(before, field))
        service.error, service.detail = "", {}
        service.save(update_fields=[*WANTED, "error", "detail"])
        newest = service.generations.first()
        if service.state in Service.UP and newest is not None:
            _roll(service, newest)
        note(service, actor, "roll_back")
        look_after(service)
    return service


def delete_service(*, service: Service, actor: User) -> None:
    """Remove a service that is stopped or failed, with its keys, its counts and its logs."""
    require(service, "delete")
    with transaction.atomic():
        if service.active:
            raise Conflict("service_active", _("Stop this service first."))
        replicas = list(service.generations.values_list("replicas", flat=True))
        if Run.objects.active().filter(purpose=PURPOSE, target__in=[pk for pk in replicas if pk]).exists():
            raise Conflict("service_active", _("Stop this service first."))
        note(service, actor, "delete")
        Run.objects.filter(purpose=PURPOSE, target__in=[pk for pk in replicas if pk]).delete()
        service.delete()


def make_key(*, service: Service, actor: User, name: str, limit: int | None = None, expires_at: datetime | None = None) -> tuple[Key, str]:
    """Return a new key that may call a service, and its text, which is shown once: only its hash is kept."""
    require(service, "share")
    if not 0 < len(name.strip()) <= 64:
        raise Invalid({"name": [_("Give the key a name of at most 64 characters.")]})
    if limit is not None and not 0 < limit <= 1_000_000:
        raise Invalid({"limit": [_("Allow between 1 and 1,000,000 requests a minute.")]})
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid({"expires_at": [_("Choose a time in the future.")]})
    if service.keys.filter(revoked_at=None).count() >= MOST_KEYS:
        raise Conflict("too_many_keys", _("This service has as many keys as it may. Revoke one first."))
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        key = Key.objects.create(
            service=service, name=name.strip(), prefix=text[:12], hash=hash_of(text), limit=limit, creator=actor, expires_at=expires_at
        )
        note(service, actor, "make_key")
    return key, text


def hash_of(text: str) -> str:
    """Return what is kept of a key: the SHA-256 of a text that is too random to be guessed."""
    return hashlib.sha256(text.encode()).hexdigest()


def revoke_key(*, service: Service, actor: User, key: Key) -> None:
    """Take a key back; who uses it is refused from now on."""
    require(service, "share")
    with transaction.atomic():
        Key.objects.filter(pk=key.pk, service=service, revoked_at=None).update(revoked_at=timezone.now())
        note(service, actor, "revoke_key")


def save_example(*, service: Service, actor: User, name: str, request: Mapping[str, Any]) -> Example:
    """Keep a request for the playground of a service, in place of one of the same name."""
    require(service, "configure")
    if not 0 < len(name.strip()) <= 64 or "\0" in name:
        raise Invalid({"name": [_("Give the request a name of at most 64 characters.")]})
    if "\0" in str(request.get("body", "")):
        raise Invalid({"request": [_("The request holds a null byte, which cannot be kept. Write it as \\u0000.")]})
    if len(str(request)) > 200_000:
        raise Invalid({"request": [_("The request is too large to be kept.")]})
    with transaction.atomic():
        if service.examples.count() >= MOST_EXAMPLES and not service.examples.filter(name=name.strip()).exists():
            raise Conflict("too_many_examples", _("This service has as many saved requests as it may. Delete one first."))
        return Example.objects.update_or_create(service=service, name=name.strip(), defaults={"request": dict(request), "creator": actor})[
            0
        ]


def delete_example(*, service: Service, actor: User, example: Example) -> None:
    """Remove a saved request."""
    require(service, "configure")
    Example.objects.filter(pk=example.pk, service=service).delete()


def look_after(service: Service) -> None:
    """Have a worker bring a service to what is wanted of it. In the transaction."""
    enqueue(kind="toolchain.service", params={"service": service.pk}, dedupe_key=f"toolchain.service:{service.pk}", priority=4)


def _take_over(service: Service, actor: User | None) -> None:
    """Have a service act for `actor` from now on where its creator may not deploy the model any more: what it reads it reads as somebody."""
    if actor is not None and not _may_deploy(service, service.creator) and _may_deploy(service, actor):
        service.creator = actor
        service.save(update_fields=["creator"])


def _may_deploy(service: Service, user: User | None) -> bool:
    model = Asset.objects.for_user(user).filter(pk=service.model_id or 0).first() if user is not None and user.is_active else None
    return model is not None and "deploy" in model.allowed


def _roll(service: Service, newest: Generation) -> None:
    """Begin another generation, although nothing about the service changed."""
    wanted = {name: getattr(service, name) for name in WANTED}
    Generation.objects.get_or_create(service=service, number=newest.number + 1, defaults=wanted)


def _apply(service: Service, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name not in SETTINGS:
            raise Invalid({name: [_("A service has no such setting.")]})
        setattr(service, name, value)
    if "replicas" in options and "most_replicas" not in options:
        service.most_replicas = max(service.most_replicas, service.replicas)


def _problems(service: Service) -> dict[str, list[str]]:
    """Return what is not valid of a service, by field."""
    errors: dict[str, list[str]] = {}
    try:
        service.clean_fields(exclude=["model", "creator", "generation"])
    except ValidationError as error:
        errors |= error.message_dict
    bounds = {
        "replicas": (1, MOST_REPLICAS), "most_replicas": (service.replicas or 1, MOST_REPLICAS), "request_limit": (1, 3600), "concurrency": (1, 1024),
        "queue": (0, 10_000), "limit": (60, 366 * 86_400), "idle_limit": (60, 30 * 86_400),
    }  # fmt: skip
    for name, (least, most) in bounds.items():
        value = getattr(service, name)
        if value is not None and name not in errors and not least <= value <= most:
            errors[name] = [_("Choose a number from %(least)s to %(most)s.") % {"least": least, "most": most}]
    return errors


def note(service: Service, actor: User | None, verb: str) -> None:
    """Write the audit row of what `actor`, or the gallery itself, did to a service."""
    record(actor=actor, verb=verb, target_kind="service", target_id=service.pk, target=f"{service.namespace.handle}/{service.name}")
