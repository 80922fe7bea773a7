"""Models that bring an image of their own to serve them."""

from pathlib import Path

import pytest

from accounts.models import Namespace
from core.problems import Invalid
from core.testing import People
from toolchain.inference.control import reconcile
from toolchain.inference.models import Replica
from toolchain.inference.services import deploy_service
from toolchain.inference.tests.factories import make_model, make_spec
from toolchain.inference.work import Work
from toolchain.runners.base import Mount
from toolchain.runs.registry import Place
from toolchain.tests.samples import IMAGE_SERVING

pytestmark = pytest.mark.django_db


def test_an_image_is_served_on_a_cluster_and_refused_on_this_machine(people: People, tmp_path: Path) -> None:
    head = IMAGE_SERVING["README.md"].replace("---\n", "---\npipeline_tag: image-classification\n", 1)
    files = IMAGE_SERVING | {"README.md": head}
    model = make_model(people.alice, files=files, name="net")
    namespace = Namespace.objects.for_user(people.alice).get(pk=people.alice.pk)
    given = {"actor": people.alice, "namespace": namespace, "model": model, "name": "net", "task": "custom"}

    with pytest.raises(Invalid) as refused:
        deploy_service(**given, spec=make_spec())  # type: ignore[arg-type]
    assert list(map(str, refused.value.errors["spec"])) == [
        "The model brings an image of its own, and only a cluster can run images. Choose a spec of a cluster."
    ]
    service = deploy_service(**given, spec=make_spec("ray-cpu-2-4", runner="ray"))  # type: ignore[arg-type]
    assert (service.engine, service.environment) == ("image", "image")
    reconcile(service)
    run = Replica.objects.select_related("run__spec").get().run
    assert run is not None
    assert Work().want(run).base == ""
    spec = Work().describe(run, Place(tmp_path, [Path("/in/net")], None))
    assert (spec.image, spec.listen, spec.replicas and spec.replicas.ready) == ("swr.example.com/team/serve:1.0", 8080, "/health")
    assert spec.argv == ("bash", "/serve.sh")
    assert Mount("/in/net", "/home/ma-user/.cache/gallery/model/alice--net") in spec.mounts
