"""ONNX Runtime as all of Mien takes it, with its telemetry off: import `onnxruntime` from here."""

import onnxruntime  # noqa: TID251 - the one door

__all__ = ["onnxruntime"]

# The variable of `telemetry` silences the builds of today; builds that write to Windows' own tracing, such as
# DirectML's, know only this call.
onnxruntime.disable_telemetry_events()
