"""How fast it is here, and how the swap looks in numbers."""
