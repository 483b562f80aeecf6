"""Proof that an exported file computes what the checkpoint's network computes."""
