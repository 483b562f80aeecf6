"""Families of networks, one file each: how each is recognised, fed and read."""
