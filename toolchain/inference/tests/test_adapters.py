"""Models that are adapters: served together with their base, by those who may use both."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import Namespace
from assets.models import Asset
from assets.tests.factories import read_for
from core.problems import Invalid
from core.testing import People, api, browser
from repos.reading import resolve
from toolchain.inference.adapters import rank_of
from toolchain.inference.control import reconcile
from toolchain.inference.models import Generation, Service
from toolchain.inference.offers import offer_of
from toolchain.inference.services import change_service, deploy_service, roll_back
from toolchain.inference.tests.factories import BERT, LLAMA, commit, make_model, make_spec, writer
from toolchain.inference.work import Work
from toolchain.models import Run
from toolchain.runners.base import Mount
from toolchain.runs.registry import Failure, Place

pytestmark = [pytest.mark.django_db]
ADAPTER = {"adapter_config.json": '{"base_model_name_or_path": "/home/me/base"}', "adapter_model.safetensors": "x"}
INPUTS = "/home/ma-user/.cache/gallery/model"


def adapter(actor: Any, *bases: str, files: dict[str, str] = ADAPTER, task: str = "text-generation", **options: Any) -> Asset:
    """Return an adapter whose card names these models, read for `actor`."""
    made = make_model(actor, files=files, task=task, **{"name": "tuned"} | options)
    Asset.objects.filter(pk=made.pk).update(base_models=list(bases))
    return read_for(actor, made)


def deploy(actor: Any, model: Asset, **changes: Any) -> Service:
    namespace = Namespace.objects.for_user(actor).get(pk=actor.pk)
    given = {"name": "talk", "task": "text-generation", "spec": make_spec(memory=16)} | changes
    return deploy_service(actor=actor, namespace=namespace, model=model, **given)


def the_run(service: Service) -> Run:
    """Return the run of the newest replica of a service."""
    reconcile(service)
    replica = Generation.objects.filter(service=service).first().replicas.select_related("run__spec").get()  # type: ignore[union-attr]
    assert replica.run is not None
    return replica.run


def head(asset: Asset) -> str:
    return resolve(asset.open_repository()).commit.sha


def test_an_adapter_is_started_with_its_base_at_the_commit_of_its_deployment(people: People, tmp_path: Path) -> None:
    base = writer(people.alice, name="base")
    model, pinned = adapter(people.alice, "Alice/base"), head(base)
    service = deploy(people.alice, model)
    commit(base, people.alice, LLAMA | {"more.txt": "x"}, "text-generation")

    run = the_run(service)
    wanted = Work().want(run)
    assert [(need.kind, need.name, need.revision.commit.sha) for need in wanted.needs] == [
        ("model", "alice/tuned", service.model_commit),
        ("model", "alice/base", pinned),
    ]
    assert wanted.base == "current"
    spec = Work().describe(run, Place(tmp_path, [Path("/in/tuned"), Path("/in/base")], None))
    argv = list(spec.argv)
    assert argv[argv.index("--model") + 1] == f"{INPUTS}/alice--tuned"
    assert argv[argv.index("--base") + 1] == f"{INPUTS}/alice--base"
    assert {Mount("/in/tuned", f"{INPUTS}/alice--tuned"), Mount("/in/base", f"{INPUTS}/alice--base")} <= set(spec.mounts)


def test_the_base_is_asked_for_again_at_each_start(people: People) -> None:
    base = writer(people.alice, name="base", visibility="public")
    service = deploy(people.bob, adapter(people.bob, "alice/base"))
    run = the_run(service)
    assert len(Work().want(run).needs) == 2
    Asset.objects.filter(pk=base.pk).update(state="unpublished")
    with pytest.raises(Failure) as refused:
        Work().want(run)
    assert refused.value.code == "base_gone"
    Asset.objects.filter(pk=base.pk).update(state="published", availability="on_application")
    with pytest.raises(Failure):
        Work().want(run)
    base.delete()
    with pytest.raises(Failure):
        Work().want(run)


def test_a_new_version_of_the_base_is_taken_when_it_is_asked_for_and_gone_back_from(people: People) -> None:
    base = writer(people.alice, name="base")
    service = deploy(people.alice, adapter(people.alice, "alice/base"))
    before = head(base)
    the_run(service)
    commit(base, people.alice, LLAMA | {"more.txt": "x"}, "text-generation")

    changed = change_service(service=service, actor=people.alice, changes={"revision": ""})
    assert changed.base_commit == head(base) != before
    the_run(changed)
    assert list(Generation.objects.order_by("number").values_list("base_commit", flat=True)) == [before, head(base)]
    Generation.objects.filter(number=1).update(served_at="2026-01-01T00:00Z")
    assert roll_back(service=changed, actor=people.alice, number=1).base_commit == before


NO_WEIGHTS = "There are no weights at the first level. Add “model.safetensors” or “pytorch_model.bin”, or their parts."


@pytest.mark.parametrize(("text", "rank"), [('{"r": 64}', 64), ('{"r": "64"}', 0), ("[]", 0), ("{", 0), ("[" * 10**5, 0), (None, 0)])
def test_the_rank_of_an_adapter_is_read_from_its_files(tmp_path: Path, text: str | None, rank: int) -> None:
    if text is not None:
        (tmp_path / "adapter_config.json").write_text(text)
    assert rank_of(tmp_path) == rank


MISSING = [
    ((), "These files are an adapter, and the card does not name the model that it belongs to. Name its base model there."),
    (("alice/base", "alice/other"), "These files are an adapter, and the card names several base models. Leave the one that it was trained on."),
    (("alice/secret",), "These files are an adapter of “alice/secret”, which is not in this gallery, or which you may not use."),
    (("meta/llama",), "These files are an adapter of “meta/llama”, which is not in this gallery, or which you may not use."),
    (
        ("alice/empty",),
        f"These files are an adapter of “alice/empty”, which cannot be served now: {NO_WEIGHTS}",
    ),
    (("bob/twice",), "These files are an adapter of “bob/twice”, which cannot be served now: It is an adapter itself."),
]  # fmt: skip


def test_the_offer_says_what_an_adapter_lacks(people: People) -> None:
    for name, visibility in (("base", "public"), ("other", "public"), ("secret", "private")):
        writer(people.alice, name=name, visibility=visibility)
    make_model(people.alice, name="empty", visibility="public", files={"config.json": LLAMA["config.json"]}, task="text-generation")
    adapter(people.bob, "alice/base", name="twice")
    model = adapter(people.bob)
    for bases, sentence in MISSING:
        Asset.objects.filter(pk=model.pk).update(base_models=list(bases))
        offer = offer_of(people.bob, read_for(people.bob, model))
        assert (offer.tasks, offer.reasons) == ((), [sentence])
        assert api(people.bob).get("/api/v1/models/bob/tuned/service-options").json()["reasons"] == [sentence]
        with pytest.raises(Invalid):
            deploy(people.bob, read_for(people.bob, model))
    Asset.objects.filter(pk=model.pk).update(base_models=["alice/base"])
    assert offer_of(people.bob, read_for(people.bob, model)).tasks == ("text-generation",)


def test_weights_of_its_own_make_a_model_no_adapter_and_its_own_script_needs_no_base(people: People) -> None:
    whole = adapter(people.alice, files=LLAMA | ADAPTER)
    assert (offer_of(people.alice, whole).tasks, offer_of(people.alice, whole).base.asset) == (("text-generation",), None)
    script = {
        "gallery_inference/inference.py": "class Model:\n    def __init__(self): ...\n    def __call__(self, inputs, **params): ...\n"
    }
    own = offer_of(people.alice, adapter(people.alice, files=ADAPTER | script, name="own"))
    assert own.tasks == ("custom",)
    assert deploy(people.alice, own.asset, task="custom").base_commit == ""


def test_the_least_spec_of_the_base_counts(people: People) -> None:
    make_spec("cpu-8-64", vcpus=8, memory=64)
    writer(people.alice, name="base", minimum="cpu-8-64")
    with pytest.raises(Invalid) as refused:
        deploy(people.alice, adapter(people.alice, "alice/base"), spec=make_spec())
    assert list(refused.value.errors) == ["spec"]


def test_pages_name_the_base_to_those_who_may_see_it(people: People) -> None:
    base = make_model(people.alice, files=BERT, task="question-answering", name="base", visibility="public")
    model = adapter(people.bob, "alice/base", task="question-answering")
    page = browser(people.bob).get("/services/new?model=bob/tuned")
    assert (
        f'together with its base model <a class="asset-id" href="/models/alice/base">alice/base</a> {head(base)[:7]}'
        in page.content.decode()
    )
    deploy(people.bob, model, task="question-answering")
    told = f'an adapter of <a href="/models/alice/base">alice/base</a> {head(base)[:7]}'
    assert told in browser(people.bob).get("/services/bob/talk").content.decode()
    Asset.objects.filter(pk=base.pk).update(state="unpublished")
    assert "alice/base" not in browser(people.bob).get("/services/bob/talk").content.decode()
