"""What a run takes of a machine, in Ray's words, and whether there is a machine that has it."""

from collections.abc import Iterable, Mapping
from typing import Any

from toolchain.runners.base import RunnerError, RunSpec
from toolchain.runners.ray.client import Machine

GPU, OTHERS = "GPU", "NPU"
_ONE_PER_MACHINE = "node:__internal_implicit_resource_"
"""Of every resource whose name begins like this each machine has one, without declaring it: what Serve's own `max_replicas_per_node` builds on."""


def needs(spec: RunSpec) -> dict[str, float]:
    """Return what the run takes by Ray's names of resources."""
    found: dict[str, float] = {"CPU": spec.limits.cpus, "memory": spec.limits.memory}
    if spec.accelerators.count:
        found[card(spec)] = spec.accelerators.count
    return found


def card(spec: RunSpec) -> str:
    """Return Ray's name for the accelerator cards of the run: those of Ascend are a resource that machines declare."""
    return GPU if spec.accelerators.kind == "gpu" else OTHERS


def for_job(spec: RunSpec) -> dict[str, Any]:
    """Return the fields of a job's submission that ask for this."""
    gpus = spec.accelerators.count if card(spec) == GPU else 0
    return {
        "entrypoint_num_cpus": spec.limits.cpus,
        "entrypoint_memory": spec.limits.memory,
        **({"entrypoint_num_gpus": gpus} if gpus else {}),
        **({"entrypoint_resources": {OTHERS: spec.accelerators.count}} if spec.accelerators.count and not gpus else {}),
        **({"entrypoint_label_selector": dict(spec.labels)} if spec.labels else {}),
    }


def for_replica(spec: RunSpec) -> dict[str, Any]:
    """Return the options of a Serve deployment's actors that ask for this. What listens in an image has its port of a machine for itself."""
    gpus = spec.accelerators.count if card(spec) == GPU else 0
    others = {OTHERS: float(spec.accelerators.count)} if spec.accelerators.count and not gpus else {}
    others |= {f"{_ONE_PER_MACHINE}port-{spec.listen}": 1.0} if spec.image else {}
    return {
        "num_cpus": spec.limits.cpus,
        "memory": spec.limits.memory,
        **({"num_gpus": gpus} if gpus else {}),
        **({"resources": others} if others else {}),
        **({"label_selector": dict(spec.labels)} if spec.labels else {}),
    }


def check(spec: RunSpec, machines: Iterable[Machine]) -> None:
    """Raise `RunnerError` "infeasible" where no machine could ever take the run: Ray itself would have it wait for ever."""
    wanted = needs(spec)
    if not any(_has(machine.resources, wanted) and _has_labels(machine.labels, spec.labels) for machine in machines):
        raise RunnerError("infeasible", f"No machine of the cluster has {described(spec)}: choose a smaller spec.")


def described(spec: RunSpec) -> str:
    """Return what the run takes in words."""
    parts = [f"{spec.limits.cpus:g} processor{'' if spec.limits.cpus == 1 else 's'}", f"{spec.limits.memory / (1 << 30):.1f} GiB of memory"]
    if spec.accelerators.count:
        parts.append(f"{spec.accelerators.count} × {card(spec)}")
    parts += [f"the label {name}={value}" for name, value in spec.labels.items()]
    return ", ".join(parts[:-1]) + f" and {parts[-1]}"


def _has(resources: Mapping[str, float], wanted: Mapping[str, float]) -> bool:
    return all(resources.get(name, 0) >= amount for name, amount in wanted.items())


def _has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())
