"""Where a model is loaded to: a GPU only where it has room."""

from __future__ import annotations

import pytest
import torch

from lib.models import loading


@pytest.mark.parametrize(("free", "kind"), [(16e9, "cuda"), (11e9, "cpu")])
def test_a_gpu_without_room_for_all_weights_is_left_alone(monkeypatch, free, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 24e9))
    assert loading.device_with_room(6_700_000_000).type == kind


def test_without_a_gpu_it_is_the_cpu():
    assert loading.device_with_room(1).type == "cpu"
