"""Faces found, followed from frame to frame, chosen and recognised."""
