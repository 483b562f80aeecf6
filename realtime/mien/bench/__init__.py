"""Measuring Mien: how fast it is and how its pictures look."""
