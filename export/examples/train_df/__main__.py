"""Train a small df pair on two clips, on a processor: `python export/examples/train_df SOURCE TARGET -o FOLDER`.

SOURCE shows the person whose face is used, TARGET the person who will get it; one face in each. The folder gets
`df.pth`, which `mien-export onnx` takes, and `preview.png`. Ctrl-C stops it and keeps what was learned; the same
command goes on from there.
"""

import argparse
import sys
from pathlib import Path
from time import monotonic
from typing import Final

import torch
from faces import ClipError, Faces, read_faces
from preview import write_preview
from training import Training

_SAVE_EVERY_S: Final = 120.0
_SAY_EVERY: Final = 50


def main() -> int:
    """Train as the command line asks."""
    wanted = _parser().parse_args()
    if wanted.size % 16 or not 64 <= wanted.size <= 128:
        return _refused(f"--size should be 64, 80, 96, 112 or 128, not {wanted.size}.")
    wanted.output.mkdir(parents=True, exist_ok=True)
    try:
        source_face = read_faces(wanted.source_face, wanted.size, _say)
        target = read_faces(wanted.target, wanted.size, _say)
        training = Training.resumed(wanted.output / "df.pth", wanted.size, wanted.batch)
    except ClipError as error:
        return _refused(str(error))
    torch.manual_seed(training.step)
    if training.step:
        _say(f"going on from step {training.step}")
    _train(training, source_face, target, wanted.output, 60 * wanted.minutes)
    return 0


def _train(training: Training, source_face: Faces, target: Faces, folder: Path, long_s: float) -> None:
    def keep() -> None:
        training.save(folder / "df.pth")
        write_preview(training, source_face, target, folder / "preview.png")

    began_s = saved_s = monotonic()
    first = training.step
    try:
        while (elapsed_s := monotonic() - began_s) < long_s:
            loss_source, loss_target = training.learn(source_face, target)
            if training.step % _SAY_EVERY == 0:
                pace = (monotonic() - began_s) / (training.step - first)
                left_min = (long_s - elapsed_s) / 60
                told = f"step {training.step}: source {loss_source:.4f}, target {loss_target:.4f}"
                _say(f"{told}; {pace:.2f} s a step, {left_min:.0f} min left")
            if monotonic() - saved_s > _SAVE_EVERY_S:
                keep()
                saved_s = monotonic()
    except KeyboardInterrupt:
        _say("stopped")
    keep()
    _say(
        f"{folder / 'df.pth'} has {training.step} steps; look at preview.png, then: mien-export onnx df.pth -o df.onnx"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train_df", description="Train a small face swapper of two people.")
    parser.add_argument("source_face", type=Path, metavar="SOURCE", help="a clip of the source face")
    parser.add_argument("target", type=Path, metavar="TARGET", help="a clip of who will get it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="for df.pth and preview.png")
    parser.add_argument("--minutes", type=float, default=25.0, help="how long to train (25)")
    parser.add_argument("--size", type=int, default=96, help="side of the crop in pixels, a multiple of 16 (96)")
    parser.add_argument("--batch", type=int, default=6, help="pictures of each person in a step (6)")
    return parser


def _refused(told: str) -> int:
    _say(told)
    return 1


def _say(told: str) -> None:
    sys.stderr.write(f"train_df: {told}\n")


if __name__ == "__main__":
    raise SystemExit(main())
