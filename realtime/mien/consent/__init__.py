"""Whose face it is, by what right, for what and until when."""
