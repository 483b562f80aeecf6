"""PyTorch to ONNX to TensorRT, with proof. The only package that may import torch or onnx."""
