"""The command line: one file a command; the only place that prints."""


def main() -> None:
    """Run `mien`."""
    raise SystemExit("mien: no command yet")
