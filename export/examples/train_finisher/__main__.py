"""Train the finishing network: `python export/examples/train_finisher pairs|train|export ...`.

Programs that may run beside each other, each of which goes on where it was stopped:

    pairs MEDIA -o FOLDER       makes pairs with Mien's own stages; needs Mien, no torch
    train FOLDER -o RUN         learns from them, on a processor or a card; needs torch, no Mien
    glasses MEDIA -o FOLDER     trains the small network that sees glasses, which is quick; needs Mien and torch
    rims MEDIA -o FOLDER        trains the small network that finds their rims, in half an hour; the same
    eyes MEDIA -o FOLDER        trains the small network that sees lids and irises, in a quarter of an hour; the same
    export RUN -o FOLDER        writes finisher.onnx and finisher.tflite; needs torch and onnx

MEDIA is a folder of synthetic faces with its faces.json.
"""

import argparse
import signal
import sys
from pathlib import Path
from time import monotonic


def main() -> int:
    """Do what the command line asks."""
    began_s = monotonic()
    wanted = _parser().parse_args()
    if wanted.what == "pairs":
        from pair_making import look, make_pairs

        if wanted.look_only:
            return look(wanted.media, wanted.output, _say)
        return make_pairs(wanted.media, wanted.output, files=wanted.files, seed=wanted.seed, say=_say)
    if wanted.what in ("glasses", "rims", "eyes"):
        return _learn_small(wanted.what, wanted.media, wanted.output)
    if wanted.what == "train":
        from learning import Wishes, learn

        for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background lets a program ignore the first
            signal.signal(number, signal.default_int_handler)
        return learn(wanted.pairs, wanted.output, Wishes.of(wanted, began_s), _say)
    from deploying import export

    return export(wanted.run, wanted.output, _say)


def _learn_small(what: str, media: Path, output: Path) -> int:
    """Train one of the small networks."""
    if what == "glasses":
        from eyewear_learning import learn_eyewear as learn
    elif what == "rims":
        from rims_learning import learn_rims as learn
    else:
        from eyes_learning import learn_eyes as learn
    return learn(media, output, _say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train_finisher", description="Train the network that finishes a swapped face."
    )
    programs = parser.add_subparsers(dest="what", required=True)
    pairs = programs.add_parser("pairs", help="make pairs to learn from, until stopped")
    pairs.add_argument("media", type=Path, metavar="MEDIA", help="the folder of synthetic faces")
    pairs.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    pairs.add_argument(
        "--files", type=int, default=480, help="most files of 120 pairs; the oldest goes for a new one (480)"
    )
    pairs.add_argument("--seed", type=int, default=None, help="another number for each program that makes pairs")
    pairs.add_argument("--look-only", action="store_true", help="only find the landmarks, for programs to come")
    train = programs.add_parser("train", help="learn from pairs, until stopped")
    train.add_argument("pairs", type=Path, metavar="FOLDER")
    train.add_argument("-o", "--output", type=Path, required=True, metavar="RUN")
    train.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    train.add_argument("--threads", type=int, default=1, help="of the processor (1)")
    train.add_argument("--batch", type=int, default=12, help="pairs in a step (12)")
    train.add_argument("--rate", type=float, default=1.2e-3, help="learning rate (0.0012)")
    train.add_argument("--critic-from", type=int, default=6000, help="step from which a critic sees strangers (6000)")
    train.add_argument("--finish", type=int, default=0, metavar="STEPS", help="let the rate fall to nothing, then stop")
    train.add_argument(
        "--seconds", type=float, default=0, help="end by itself in time, the rate falling to nothing by then"
    )
    train.add_argument("--least-pairs", type=int, default=1, help="wait until there are so many (1)")
    train.add_argument("--memory-files", type=int, default=40, help="files of pairs kept in memory (40)")
    glasses = programs.add_parser("glasses", help="train the small network that sees glasses, in some minutes")
    glasses.add_argument("media", type=Path, metavar="MEDIA", help="the folder of synthetic faces")
    glasses.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    rims = programs.add_parser("rims", help="train the small network that finds rims, in half an hour")
    rims.add_argument("media", type=Path, metavar="MEDIA", help="the folder of synthetic faces")
    rims.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    eyes = programs.add_parser("eyes", help="train the small network that sees eyes, in a quarter of an hour")
    eyes.add_argument("media", type=Path, metavar="MEDIA", help="the folder of synthetic faces")
    eyes.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    out = programs.add_parser("export", help="write the network for use")
    out.add_argument("run", type=Path, metavar="RUN")
    out.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    return parser


def _say(told: str) -> None:
    sys.stderr.write(f"train_finisher: {told}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
