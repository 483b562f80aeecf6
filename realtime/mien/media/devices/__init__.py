"""Cameras and virtual cameras of this machine."""
