"""What both programs need of the system: files, names, streams, signals, and what is left behind by a crash."""
