"""`python -m mien_export`."""

from mien_export.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
