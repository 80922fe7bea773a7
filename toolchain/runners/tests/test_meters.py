"""What the tools of makers of accelerators say, in their own words, and what is made of it."""

import os

import pytest

from toolchain.runners.base import Accelerators
from toolchain.runners.supervisor.meters import Cards

NPU = """\tNPU ID                         : 0
\tChip Count                     : 1

\tDDR Capacity(MB)               : 0
\tDDR Usage Rate(%)              : 0
\tHBM Capacity(MB)               : 65536
\tHBM Usage Rate(%)              : 5
\tAicore Usage Rate(%)           : 25
\tAicpu Usage Rate(%)            : 0
\tChip ID                        : 0
"""


def use(accelerators):
    cards = Cards(accelerators)
    cards.measure()
    return cards.use


@pytest.fixture
def tool(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def make(name, script):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
        return tmp_path

    return make


def test_nvidia_cards_are_read(tool):
    folder = tool("nvidia-smi", 'echo "$@" > "$(dirname "$0")/asked"; echo "37, 10240"; echo "[N/A], 512"')
    assert use(Accelerators("gpu", 2, (1, 3))) == ((0.37, 10240 << 20), (0.0, 512 << 20))
    assert (folder / "asked").read_text().split()[-1] == "--id=1,3"


def test_ascend_cards_are_read(tool):
    tool("npu-smi", f"test \"$5\" = 4 && cat <<'END'\n{NPU}END")
    assert use(Accelerators("npu", 1, (4,))) == ((0.25, (65536 * 5 // 100) << 20),)


@pytest.mark.parametrize("script", ["exit 9", "echo No devices were found", "echo"])
def test_a_tool_that_says_nothing_useful_is_no_trouble(tool, script):
    tool("nvidia-smi", script)
    tool("npu-smi", script)
    assert use(Accelerators("gpu", 1, (0,))) == use(Accelerators("npu", 1, (0,))) == ()


def test_without_a_tool_nothing_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert use(Accelerators("gpu", 1, (0,))) == use(Accelerators("npu", 1, (0,))) == ()
