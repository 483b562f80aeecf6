"""One command that says what really runs on an NVIDIA card, and how fast: `python scripts/gpu_check --out DIR`."""
