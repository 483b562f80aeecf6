"""Settings become a running session, and everything that steers it talks to that."""
