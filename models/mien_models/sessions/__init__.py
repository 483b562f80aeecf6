"""Engines that run a network file behind one contract."""
