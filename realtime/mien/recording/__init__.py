"""Video files that are written: containers, times, and whole or not at all."""
