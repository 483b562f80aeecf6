"""Reads ONNX files without running them, within bounds."""
