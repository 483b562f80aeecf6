"""`python -m mien`."""

from mien.cli.main import start

if __name__ == "__main__":
    start()
