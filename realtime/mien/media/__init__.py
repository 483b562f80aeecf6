"""Pictures, containers, devices, text: what outside libraries do for everything above."""
