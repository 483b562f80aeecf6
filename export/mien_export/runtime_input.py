"""How a file is given to libraries that take its name for text."""

from pathlib import Path


def runtime_input(path: Path) -> str | bytes:
    """Give what ONNX Runtime opens: the file's name, or its content where the name is not UTF-8."""
    return str(path) if has_text_name(path) else path.read_bytes()


def has_text_name(path: Path) -> bool:
    """Whether the name is UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
