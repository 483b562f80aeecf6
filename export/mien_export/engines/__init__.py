"""Engines: networks compiled for graphics cards, each built in a process of its own."""
