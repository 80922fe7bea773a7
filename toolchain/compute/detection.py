"""What this machine has, and the specs that follow from it."""

import os
import platform
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from toolchain.compute import machines
from toolchain.compute.sizes import Size
from toolchain.models import Node, Spec
from toolchain.runners.ray.client import Machine as ClusterMachine

GIB = 1 << 30


@dataclass(frozen=True)
class Machine:
    """What runs may take of this machine: memory in bytes, `card_memory` in GiB of one card. `key` tells it from others of the same name."""

    name: str
    cpus: int
    memory: int
    accelerator: str = ""
    cards: int = 0
    card_memory: int = 0
    key: str = ""


def this_machine() -> Machine:
    """Return what runs may take of this machine, with the cards that its tools show."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = settings.RUN_MEMORY or max(whole // 2, whole - 2 * GIB)
    accelerator, cards, card_memory = _nvidia() or _ascend() or ("", 0, 0)
    return Machine(socket.gethostname(), settings.RUN_CPUS, memory, accelerator, cards, card_memory, machines.key())


def specs_of(machine: Machine) -> Iterator[Size]:
    """Yield the sizes that a machine is offered in: halves down to one processor, and each power of two of its cards."""
    gib = max(1, machine.memory // GIB)
    vcpus = machine.cpus
    while True:
        yield Size("", 0, 0, vcpus, max(1, gib * vcpus // machine.cpus))
        if vcpus == 1:
            break
        vcpus //= 2
    cards = machine.cards
    while cards:
        share = cards / machine.cards
        yield Size(machine.accelerator, cards, machine.card_memory, max(1, int(machine.cpus * share)), max(1, int(gib * share)))
        cards //= 2


def register_machine(machine: Machine, *, sandbox: str = "", detail: str = "") -> Node:
    """Say that this machine is there, and at the first time make its specs; administrators may change those afterwards.

    A row from before machines had keys is taken over by the machine of its host name.
    """
    facts = {
        "name": machine.name, "cpus": machine.cpus, "memory": machine.memory, "accelerator": machine.accelerator, "cards": machine.cards,
        "sandbox": sandbox, "detail": detail, "beat_at": timezone.now(),
    }  # fmt: skip
    with transaction.atomic():
        local = Node.objects.filter(runner=Spec.Runner.LOCAL)
        if machine.key and not local.filter(key=machine.key).exists():
            local.filter(key="", name=machine.name).update(key=machine.key)
        node, made = local.update_or_create(runner=Spec.Runner.LOCAL, key=machine.key, defaults=facts)
        if made:
            for size in specs_of(machine):
                _offer(size, machine)
    return node


def register_cluster(name: str, machines: Sequence[ClusterMachine]) -> Node:
    """Say that a Ray cluster is there, with what its machines have together, and at the first time make the specs of each kind of machine."""
    sizes = [_size_of(machine, name) for machine in machines]
    accelerator = max((size.accelerator for size in sizes if size.cards), default="")
    facts = {
        "cpus": sum(size.cpus for size in sizes), "memory": sum(size.memory for size in sizes), "accelerator": accelerator,
        "cards": sum(size.cards for size in sizes if size.accelerator == accelerator), "beat_at": timezone.now(),
        "detail": "\n".join(f"{machine.name}: {size.cpus} vCPU, {size.memory // GIB} GiB" for machine, size in zip(machines, sizes, strict=True)),
    }  # fmt: skip
    with transaction.atomic():
        node, made = Node.objects.update_or_create(runner=Spec.Runner.RAY, name=name, defaults=facts)
        if made:
            for kind in set(sizes):
                for size in specs_of(kind):
                    _offer(size, kind, runner=Spec.Runner.RAY)
    return node


def _size_of(machine: ClusterMachine, name: str) -> Machine:
    """Return a machine of the cluster `name` as one of ours; machines of the same size are equal."""
    has = machine.resources
    gpus, npus = int(has.get("GPU", 0)), int(has.get("NPU", 0))
    accelerator = "gpu" if gpus else "npu" if npus else ""
    return Machine(name, max(1, int(has.get("CPU", 0))), int(has.get("memory", 0)) // GIB * GIB, accelerator, gpus or npus)


def _offer(size: Size, machine: Machine, *, runner: str = Spec.Runner.LOCAL) -> None:
    gpu = size.accelerator.upper() if len(size.accelerator) <= 3 else size.accelerator.capitalize()
    cards = f"{size.cards} × {gpu} {size.card_memory} GB / " if size.accelerator else ""
    names = (
        f"{cards}{'' if cards else 'CPU, '}{size.vcpus} {'core' if size.vcpus == 1 else 'cores'}, {size.memory} GB",
        f"{cards}{'' if cards else 'CPU '}{size.vcpus} 核 {size.memory} GB",
    )
    if runner == Spec.Runner.RAY:
        names = (f"Ray / {names[0]}", f"Ray / {names[1]}")
    facts = {"cards": size.cards, "card_memory": size.card_memory, "vcpus": size.vcpus, "memory": size.memory}
    Spec.objects.get_or_create(
        code=size.code if runner == Spec.Runner.LOCAL else f"ray-{size.code}",
        defaults={
            **facts, "accelerator": size.accelerator, "name_en": names[0], "name_zh": names[1],
            "architecture": platform.machine(), "runner": runner, "found_on": machine.name,
        },
    )  # fmt: skip


def _nvidia() -> tuple[str, int, int] | None:
    """Return kind, number and GiB of NVIDIA cards: a line of MiB for each."""
    lines = _output("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits").split()
    sizes = [int(line) for line in lines if line.isdigit()]
    return ("gpu", len(sizes), round(min(sizes) / 1024)) if sizes else None


def _ascend() -> tuple[str, int, int] | None:
    """Return kind, number and GiB of Ascend cards, by their device files; how much memory they have is not in those."""
    cards = [name for name in os.listdir("/dev") if name.startswith("davinci") and name[7:].isdigit()]
    return ("npu", len(cards), 0) if cards else None


def _output(*command: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    return ""
