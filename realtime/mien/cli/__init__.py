"""The command line: one file a command; the only place that prints.

stdout carries results, stderr is for people; exit 0 is done, 1 failed, 2 wrong usage.
"""
