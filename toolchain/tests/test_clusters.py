"""A Ray cluster as a machine of the queue, with specs of the sizes that its machines can take."""

import pytest

from toolchain.compute.detection import register_cluster
from toolchain.models import Node, Spec
from toolchain.runners.base import RunnerError
from toolchain.runners.ray.client import Machine
from toolchain.runs import places

pytestmark = pytest.mark.django_db
GIB = 1 << 30


def machine(name: str, cpus: int, memory: float, **cards: float) -> Machine:
    return Machine(name, "10.0.0.1", {"CPU": cpus, "memory": memory * GIB, **cards}, {})


def test_a_cluster_is_what_its_machines_have_together() -> None:
    node = register_cluster("http://head:8265", [machine("a", 8, 30.5, GPU=2), machine("b", 8, 30.9, GPU=2), machine("c", 4, 15)])

    assert (node.runner, node.name, node.cpus, node.memory, node.accelerator, node.cards) == (
        "ray",
        "http://head:8265",
        20,
        75 * GIB,
        "gpu",
        4,
    )
    assert node.detail == "a: 8 vCPU, 30 GiB\nb: 8 vCPU, 30 GiB\nc: 4 vCPU, 15 GiB"


def test_the_specs_of_a_cluster_are_made_once_for_each_size_of_machine() -> None:
    register_cluster("http://head:8265", [machine("a", 2, 8), machine("b", 2, 8), machine("c", 2, 8, NPU=1)])

    made = Spec.objects.filter(runner="ray")
    assert sorted(made.values_list("code", "name_en")) == [
        ("ray-1-npu-0-cpu-2-8", "Ray / 1 × NPU 0 GB / 2 cores, 8 GB"),
        ("ray-cpu-1-4", "Ray / CPU, 1 core, 4 GB"),
        ("ray-cpu-2-8", "Ray / CPU, 2 cores, 8 GB"),
    ]
    made.all().delete()
    register_cluster("http://head:8265", [machine("a", 2, 8)])
    assert not Spec.objects.filter(runner="ray").exists()
    assert Node.objects.get(runner="ray").cpus == 2


def test_labels_of_a_spec_are_names_with_values() -> None:
    assert Spec(labels=["zone=b", "fast"]).machine_labels == {"zone": "b", "fast": "true"}


def test_without_a_cluster_its_runner_says_so(settings) -> None:
    settings.RAY_ADDRESS = ""
    with pytest.raises(RunnerError) as refused:
        places.runner_of("ray")
    assert refused.value.code == "ray_missing"
