"""Crops, the face mesh, and pictures as tensors."""
