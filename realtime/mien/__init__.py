"""The live program: sources, stages and sinks of the face-swap camera."""

from mien_models.system.telemetry import switch_off_telemetry

# Before anything that loads ONNX Runtime, also where only this package is imported.
switch_off_telemetry()
