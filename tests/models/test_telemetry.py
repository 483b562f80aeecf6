"""ONNX Runtime's telemetry is off, whoever loads it first; `tests/test_nothing_leaves.py` watches whole commands."""

import os
import sys
from types import ModuleType

import pytest

from mien_models.system.telemetry import switch_off_telemetry


def test_what_a_user_has_set_cannot_switch_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("0", "", "no"):
        monkeypatch.setenv("ORT_DISABLE_TELEMETRY", value)
        switch_off_telemetry()
        assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_a_runtime_that_was_loaded_before_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    loaded = ModuleType("onnxruntime")
    loaded.disable_telemetry_events = lambda: told.append("off")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", loaded)
    switch_off_telemetry()
    assert told == ["off"]


def test_a_runtime_that_is_loaded_only_in_part_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    switch_off_telemetry()
