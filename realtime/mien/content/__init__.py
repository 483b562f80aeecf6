"""The content gate: intimate pictures get no face."""
