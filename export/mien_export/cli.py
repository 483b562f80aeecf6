"""The command line of the exporter."""


def main() -> None:
    """Run `mien-export`."""
    raise SystemExit("mien-export: nothing to export yet")
