"""The virtual camera: which device to write to, and how."""
