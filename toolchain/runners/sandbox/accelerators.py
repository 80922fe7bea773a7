"""The devices of a run's accelerator cards, and how its libraries are told which ones they are."""

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from toolchain.runners.base import Accelerators, RunnerError

SHARED_NODES = {
    "gpu": ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps"),
    "npu": ("davinci_manager", "devmm_svm", "hisi_hdc"),
}
CARD_NODES = {"gpu": "nvidia", "npu": "davinci"}
DRIVER_PATHS = {"gpu": (), "npu": ("/usr/local/Ascend/driver", "/usr/local/dcmi", "/etc/ascend_install.info")}


@dataclass(frozen=True)
class Devices:
    """Device nodes to make visible, the groups that may use them, host paths a driver reads, and the variables that name the cards."""

    nodes: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    paths: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def devices(wanted: Accelerators, *, root: Path = Path("/")) -> Devices:
    """Return what a run needs to use its cards. Raises `RunnerError` where this machine has no such card."""
    if not wanted.kind or not wanted.count:
        return Devices()
    if wanted.kind not in CARD_NODES:
        raise RunnerError("accelerator_unknown", f"This runner knows no accelerators of the kind “{wanted.kind}”.")
    cards = [f"{CARD_NODES[wanted.kind]}{index}" for index in wanted.indexes]
    if len(cards) != wanted.count:
        raise RunnerError("accelerator_unknown", "The cards of the run have to be named.")
    for card in cards:
        if not (root / "dev" / card).exists():
            raise RunnerError("accelerator_missing", f"This machine has no /dev/{card}.")
    names = [name for name in (*SHARED_NODES[wanted.kind], *cards) if (root / "dev" / name).exists()]
    statuses = [(root / "dev" / name).stat() for name in names]
    groups = {status.st_gid for status in statuses if not status.st_mode & stat.S_IWOTH and status.st_mode & stat.S_IWGRP} - {0}
    paths = [path for path in ("/sys/bus", "/sys/class", "/sys/devices", "/sys/module", *DRIVER_PATHS[wanted.kind]) if Path(path).exists()]
    indexes = ",".join(map(str, wanted.indexes))
    if wanted.kind == "npu":
        told = {"ASCEND_VISIBLE_DEVICES": indexes, "ASCEND_RT_VISIBLE_DEVICES": indexes}
    else:
        # With only some nodes in sight the library counts these from 0, so an index of the machine would name another card or none.
        uuids = _nvidia_uuids(root)
        seen = ",".join(uuids.get(index, str(place)) for place, index in enumerate(wanted.indexes))
        told = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": seen, "NVIDIA_VISIBLE_DEVICES": seen}
    return Devices(tuple(f"/dev/{name}" for name in names), tuple(sorted(groups)), tuple(paths), told)


def _nvidia_uuids(root: Path) -> dict[int, str]:
    """Return the UUID of each card by the number of its node, as the driver tells them below /proc."""
    found = {}
    for information in (root / "proc/driver/nvidia/gpus").glob("*/information"):
        text = information.read_text(errors="replace")
        minor, uuid = re.search(r"^Device Minor:\s*(\d+)", text, re.M), re.search(r"^GPU UUID:\s*(GPU-[0-9a-f-]+)", text, re.M)
        if minor and uuid:
            found[int(minor[1])] = uuid[1]
    return found
