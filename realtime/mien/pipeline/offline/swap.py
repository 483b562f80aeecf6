"""Swaps the faces of one file: checks the two names, then does the picture or the video."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mien.media.pictures import PICTURE_SUFFIXES, check_picture_name, read_picture, write_picture
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.offline.summary import OfflineResult, Progress, Signing, Summary
from mien.pipeline.offline.video import swap_video
from mien.provenance.c2pa.sign import Signer
from mien_models.errors import SourceError, UsageError
from mien_models.system.atomic_write import check_spares, check_writable, whole_or_nothing
from mien_models.system.printable import shown

_JPEGS_IN_A_ROW: Final = frozenset({".mjpeg", ".mjpg"})
"""Videos whose content is that of a picture with more behind it, which nothing but the name tells."""


def _ignore(_done: int, _total: int | None) -> None:
    """Nobody watches."""


def swap_file(
    input_path: Path,
    output_path: Path,
    stages: Sequence[Stage],
    *,
    progress: Progress = _ignore,
    providers: Mapping[str, str] | None = None,
    signer: Signer | None = None,
) -> OfflineResult:
    """Send every frame of a file through `stages`, in order, and write the file `output_path`.

    A frame that no stage composed is written as it was. The output appears under its name only when it is whole; after
    any exception, KeyboardInterrupt included, nothing of it is left.

    Args:
        input_path: a picture or a video.
        output_path: its suffix chooses the format.
        stages: called with one packet at a time; `captured_ns` is the time from the file's start.
        progress: called after every frame, in this thread.
        providers: what each network runs on, for the report.
        signer: what signs the output where a face was swapped; by default this installation's, without a session.

    Raises:
        UsageError: input and output are the same file, or a picture shall become a video.
        PhotoError: the picture cannot be read.
        SourceError: the video cannot be read, or no frame of it can be decoded.
        SinkError: the output cannot be written, or another run is writing it.
    """
    _check_names(input_path, output_path)
    summary = Summary()
    signing = Signing(signer or Signer(), input_path, output_path, summary)
    if is_picture(input_path, output_path):
        _swap_picture(input_path, output_path, stages, summary, signing)
        progress(1, 1)
    else:
        _check_is_video_name(input_path, output_path)
        swap_video(input_path, output_path, stages, summary, progress, signing=signing)
    return summary.result(providers or {})


def is_picture(input_path: Path, output_path: Path | None = None) -> bool:
    """Whether a file holds one picture: by its content, not its name. A GIF is a video unless a picture is wanted."""
    from PIL import Image

    from mien.media.pictures.read import quiet_readers

    if input_path.suffix.lower() in _JPEGS_IN_A_ROW:
        return False
    try:
        with quiet_readers(), Image.open(input_path) as opened:
            is_still = getattr(opened, "n_frames", 1) == 1 and output_path is not None
            wants_picture = output_path is not None and output_path.suffix.lower() in PICTURE_SUFFIXES
            return opened.format != "GIF" or (is_still and wants_picture)
    except Image.DecompressionBombError:
        return True
    except Exception:  # noqa: BLE001 - whatever Pillow trips over: the video reader says what is wrong with it
        return input_path.suffix.lower() in {*PICTURE_SUFFIXES, ".bmp", ".heic", ".heif"}


def _check_names(input_path: Path, output_path: Path) -> None:
    if not input_path.exists():
        raise SourceError(f"There is no file {shown(input_path)}. Check the path.")
    if input_path.is_dir():
        raise SourceError(f"Expected a picture or video, and {shown(input_path)} is a folder. Name a file in it.")
    check_spares([input_path], output_path)
    check_writable(output_path)


def _check_is_video_name(input_path: Path, output_path: Path) -> None:
    if output_path.suffix.lower() in PICTURE_SUFFIXES:
        raise UsageError(
            f"{str(input_path)!r} is a video, and {output_path.name!r} names a picture. Give a name like "
            f"'{output_path.stem}.mp4'."
        )


def _swap_picture(
    input_path: Path, output_path: Path, stages: Sequence[Stage], summary: Summary, signing: Signing
) -> None:
    check_picture_name(output_path)
    with summary.stage("decode").measure():
        picture = read_picture(input_path)
    summary.expected = 1
    summary.count_read()
    (packet,) = summary.run(Frame(image=picture.image_bgr, index=0, captured_ns=0), stages)
    is_copied = packet.composed is None and output_path.suffix.lower() == input_path.suffix.lower()
    with summary.stage("encode").measure():
        if packet.composed is not None:
            written = write_picture(output_path, picture.changed_to(packet.outgoing.image_bgr), finish=signing.sign)
        elif is_copied:
            summary.note(f"No face was swapped in {input_path.name}: it was copied byte for byte.")
            with whole_or_nothing(output_path) as part:
                shutil.copyfile(input_path, part)
            written = ()
        else:
            summary.note(f"No face was swapped in {input_path.name}: it was written with its own face.")
            written = write_picture(output_path, picture)
    for sentence in (*written, *(() if is_copied else (*picture.left_out, *picture.notes))):
        summary.note(sentence)
    summary.count_written(packet)
