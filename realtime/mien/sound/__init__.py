"""Microphone, the clock it is brought to, and who hears it."""
