"""The new model that a training makes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from assets.card import CardUnreadable
from assets.ingest import CARD
from assets.models import Asset
from assets.models.assets import name_validator
from assets.services import create_asset
from core.permissions import require
from core.problems import Conflict, Forbidden, Invalid
from repos.attributes import is_large
from repos.models import Commit, Repository
from repos.operations import PutBytes
from repos.paths import collision_key
from repos.services import check_quota
from toolchain.materials import cards, curves
from toolchain.materials.collecting import collect, collected
from toolchain.materials.facts import Facts
from toolchain.materials.measures import measures
from toolchain.materials.outputs import Found, Refusal, Survey, opened
from toolchain.materials.pace import Beat

FIELD = "output_name"
MAX_NAME = 96
NAMES = 100
RECORDS = ("training", "training-record", *(f"training-record-{number}" for number in range(2, 100)))
ATTRIBUTES = ".gitattributes"
WEIGHTS = tuple(".safetensors .bin .pt .pth .ckpt .gguf .onnx .h5 .keras .msgpack .pdparams .mindir .om .tflite .pkl .joblib .npz".split())
NO_WEIGHTS = ("optimizer.", "scheduler.", "scaler.", "rng_state", "training_args.")
_CHECKPOINT = re.compile(r"checkpoint-\d+\Z")


@dataclass(frozen=True)
class Result:
    """The model that was made, the commit with the output, and what of the output is not in it."""

    asset: Asset
    commit: Commit
    left_out: tuple[Refusal, ...]


def checked_output_name(*, actor: User, namespace: Namespace, name: str) -> str:
    """Return `name` where `actor` may make a model of that name in `namespace`, read for them.

    Raises `Forbidden`, `Invalid` (field `output_name`), `Conflict` (`name_taken`). The name is not kept free until the training ends.
    """
    require(namespace, "create_asset")
    name = name.strip()
    try:
        name_validator(name)
    except ValidationError as error:
        raise Invalid({FIELD: error.messages}) from error
    if Asset.objects.filter(namespace=namespace, kind=Asset.Kind.MODEL, name__iexact=name).exists():
        sentence = _("%(owner)s already has something with the name “%(name)s”. Choose another name.") % {
            "owner": namespace.handle,
            "name": name,
        }
        raise Conflict("name_taken", sentence, errors={FIELD: [sentence]})
    return name


def write_result(
    facts: Facts,
    survey: Survey,
    *,
    actor: User,
    asset: Asset | None = None,
    keep: Callable[[Asset], None] | None = None,
    carried: Sequence[PutBytes] = (),
    beat: Beat | None = None,
) -> Result:
    """Make the model of a training that ended well, not published, with its output in one commit; a repeated call makes nothing twice.

    `carried` are files of the model it was made from that the new one needs too; what the output itself holds in a folder counts first.

    `keep` is called with the new model in the transaction that creates it; a call after a crash gets what was kept as `asset`. A result
    is never lost to what happened meanwhile: a name that was taken gets a number. Folders `checkpoint-<n>` are left out where a final
    model stands beside them. Raises as `collect` does, and `Forbidden` (`not_a_contributor`) where `actor` may not add to the namespace any more:
    what was made of its models and data is not to leave it with them.
    """
    survey.check()
    made = asset and _still_there(asset, actor)
    chosen, own, left_out = _chosen(survey)
    with translation.override(facts.language or actor.language or settings.LANGUAGE_CODE):
        if made is None:
            made = _made(facts, actor, sum(file.size for file in chosen.files if is_large(file.path, file.size)), keep)
        if done := collected(made.open_repository(), facts.key):
            return Result(made, done, left_out)
        facts = replace(facts, name=made.name, metrics={**measures(survey), **facts.metrics})
        folder = _record_folder(chosen.files)
        extra, moved = _written(facts, survey, own, left_out, folder)
        if own is not None and moved:
            chosen = replace(chosen, files=(*chosen.files, own))
        own_folders = {file.path.partition("/")[0] for file in chosen.files}
        extra = [*extra, *(each for each in carried if each.path.partition("/")[0] not in own_folders)]
        commit = collect(
            chosen, asset=made, actor=actor, message=_("Result of %(run)s") % {"run": facts.key}, key=facts.key, extra=extra, moved=moved,
            beat=beat,
        )  # fmt: skip
    return Result(made, commit, left_out)


def _still_there(asset: Asset, actor: User) -> Asset | None:
    """Return the model as `actor` sees it now; None where it is gone, or they may not add to it any more."""
    found = Asset.objects.for_user(actor).whole().filter(pk=asset.pk, repository__deleted_at=None).first()
    return found if found is not None and "commit" in found.allowed else None


def _made(facts: Facts, actor: User, size: int, keep: Callable[[Asset], None] | None) -> Asset:
    namespace = Namespace.objects.for_user(actor).filter(pk=facts.namespace.pk).first()
    if namespace is None or "create_asset" not in namespace.allowed:
        sentence = _("%(person)s may not add to %(owner)s any more. Another member can collect the result again.")
        raise Forbidden("not_a_contributor", sentence % {"person": actor.handle, "owner": facts.namespace.handle})
    # Before there is anything: a model without files would be left otherwise.
    check_quota(Repository(namespace=namespace), size)
    for number in range(1, NAMES):
        try:
            with transaction.atomic():
                made = create_asset(actor=actor, namespace=namespace, kind=Asset.Kind.MODEL, name=_numbered(facts.name, number))
                if keep:
                    keep(made)
            return made
        except Conflict as problem:
            if problem.code != "name_taken" or number == NAMES - 1:
                raise
    raise AssertionError("unreachable")


def _numbered(name: str, number: int) -> str:
    if number == 1:
        return name
    return f"{name[: MAX_NAME - len(str(number)) - 1].rstrip('.')}-{number}"


def _chosen(survey: Survey) -> tuple[Survey, Found | None, tuple[Refusal, ...]]:
    """Return what of a survey goes into the model as it is, the README among it, and what is left out."""
    final = any("/" not in file.path and _is_weights(file.path) for file in survey.files)
    files: list[Found] = []
    own: Found | None = None
    more: dict[str, Refusal] = {}
    for file in survey.files:
        top, _slash, rest = file.path.partition("/")
        key = collision_key(top)
        if key == collision_key(ATTRIBUTES) or (key == collision_key(CARD) and rest):
            more[top] = Refusal(top, "reserved")
        elif key == collision_key(CARD):
            own = file
        elif final and rest and _CHECKPOINT.match(top):
            more[top] = Refusal(f"{top}/", "checkpoint")
        else:
            files.append(file)
    return replace(survey, files=tuple(files)), own, (*survey.refused, *more.values())


def _is_weights(name: str) -> bool:
    return name.lower().endswith(WEIGHTS) and not name.lower().startswith(NO_WEIGHTS)


def _record_folder(files: Sequence[Found]) -> str:
    """Return the name of a folder at the top that the output does not use."""
    used = {collision_key(file.path.partition("/")[0]) for file in files}
    return next(name for name in RECORDS if name not in used)


def _written(
    facts: Facts, survey: Survey, own: Found | None, left_out: Sequence[Refusal], folder: str
) -> tuple[list[PutBytes], dict[str, str]]:
    """Return the introduction with its pictures and numbers, and where the output's own README goes when it cannot be part of it."""
    drawn = [curve for curve in facts.curves if curve.known]
    pictures = {curve.name: f"{folder}/{curve.name}.png" for curve in drawn}
    operations = [PutBytes(f"{folder}/training.json", cards.record(facts))]
    operations += [PutBytes(pictures[curve.name], curves.picture(curve)) for curve in drawn]
    if drawn:
        operations.append(PutBytes(f"{folder}/curves.csv", curves.table(drawn)))
    text, moved = _own_text(survey, own), {}
    try:
        written = cards.introduction(facts, text or "", pictures, left_out, folder)
    except CardUnreadable:
        text, written = None, cards.introduction(facts, "", pictures, left_out, folder)
    if own is not None and text is None:
        moved[own.path] = f"{folder}/README.original.md"
        written += "\n" + _("The README that the training wrote cannot be part of this one: [%(path)s](%(path)s).") % {
            "path": moved[own.path]
        }  # fmt: skip
    return [*operations, PutBytes(CARD, written.encode())], moved


def _own_text(survey: Survey, own: Found | None) -> str | None:
    """Return the text of the README that the program wrote, None where it is none or is too long."""
    if own is None or own.size > cards.MAX_OWN:
        return None
    with opened(survey, own) as source:
        data = source.read(own.size)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
