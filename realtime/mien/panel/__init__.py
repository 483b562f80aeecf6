"""The panel in the browser: a process of its own that steers a session by its control messages and nothing else."""
