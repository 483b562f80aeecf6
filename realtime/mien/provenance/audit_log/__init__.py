"""The local log of sessions, each line chained to the one before."""
