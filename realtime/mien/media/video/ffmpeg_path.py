"""How a file is named to FFmpeg, which takes what stands before a colon for a protocol."""

from pathlib import Path


def ffmpeg_path(path: Path) -> str:
    """Give the name by which FFmpeg opens exactly this file, whatever its name looks like."""
    return f"file:{path}"
