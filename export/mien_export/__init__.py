"""PyTorch to ONNX to TensorRT, with proof. The only package that may import torch or onnx."""

from mien_models.system.telemetry import switch_off_telemetry

# Before anything that loads ONNX Runtime, also where only this package is imported.
switch_off_telemetry()
