"""What the libraries under Mien would report to their makers is switched off before any of them is loaded."""

import os
import sys
from typing import Any, Final

_OFF: Final = {"ORT_DISABLE_TELEMETRY": "1"}
"""ONNX Runtime (from 1.29) sends events of every session to Microsoft and keeps an id of the device otherwise."""


def switch_off_telemetry() -> None:
    """Set what the libraries ask for; processes that are started from here inherit it.

    It is set over whatever was there: nothing of Mien's faces is a user's to send by accident, and a value that the
    libraries do not understand would switch reporting on.
    """
    os.environ.update(_OFF)
    loaded: Any = sys.modules.get("onnxruntime")
    # A program that had loaded it before it imported us: too late for the variable, not for the call.
    if (disable := getattr(loaded, "disable_telemetry_events", None)) is not None:
        disable()
