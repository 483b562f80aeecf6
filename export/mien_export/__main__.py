"""`python -m mien_export`."""

from mien_export.cli.main import start

if __name__ == "__main__":
    start()
