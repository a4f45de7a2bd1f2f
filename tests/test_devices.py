"""Devices as nvidia-smi and the system tell them, and none where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib import devices

H100, T4 = "NVIDIA H100 80GB HBM3", "Tesla T4"
ANSWER = """0, GPU-aa11, NVIDIA H100 80GB HBM3, 81559, 80000, 9.0
1, GPU-bb22, Tesla T4, 15360, 15000, 7.5
2, GPU-cc33, Broken, [N/A], [N/A], [N/A]
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices.forget()
    yield
    devices.forget()


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program of that name which says what it is told to say."""

    def says(answer: str, status: int = 0) -> None:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{answer}END\nexit {status}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))

    return says


def test_gpus_come_first(nvidia_smi):
    nvidia_smi(ANSWER)
    first, second, last = devices.devices()
    assert (first.id, first.name, first.bf16, first.capability) == ("cuda:0", "NVIDIA H100 80GB HBM3", True, 9.0)
    assert first.memory == 81559 * 2**20 and first.free == 80000 * 2**20
    assert second.id == "cuda:1" and not second.bf16
    assert last.kind == "cpu" and devices.default_device() == first


@pytest.mark.parametrize(
    ("visible", "names"),
    [("1", [T4]), ("1,0", [T4, H100]), ("", []), ("-1", []), ("GPU-aa", [H100])],
)
def test_only_those_that_a_process_sees(nvidia_smi, monkeypatch, visible, names):
    nvidia_smi(ANSWER)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [device.name for device in devices.devices() if device.is_gpu] == names


@pytest.mark.parametrize("answer", ["", "no devices were found\n", "a, b\n"])
@pytest.mark.parametrize("status", [0, 9])
def test_without_an_answer_there_is_the_cpu(nvidia_smi, answer, status):
    nvidia_smi(answer, status)
    (cpu,) = devices.devices()
    assert cpu.kind == "cpu" and cpu.id == "cpu" and cpu.cores >= 1 and cpu.name
    assert 0 < cpu.free <= cpu.memory


def test_without_nvidia_smi_too(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not devices.default_device().is_gpu


def test_room_can_be_left_for_others():
    device = devices.default_device()
    limited = device.limited(2**30)
    assert limited.memory == limited.free == 2**30 and limited.name == device.name
    assert limited.limited(2**40) == limited


def test_limits_of_control_groups(tmp_path, monkeypatch):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "memory.max").write_text("1000000\n")
    (tmp_path / "box" / "memory.current").write_text("700000\n")
    (tmp_path / "box" / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    (tmp_path / "memory.max").write_text("max\n")
    names = ("memory.max", "memory.current", "inactive_file")
    assert list(devices._walk(tmp_path, "/box/inner", *names)) == [(1_000_000, 500_000)]
    assert list(devices._walk(tmp_path, "/", *names)) == []
