"""Architectures of swappers and identity networks, one file each, written from their published descriptions."""
