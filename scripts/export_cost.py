"""What exports in full size cost: `uv run scripts/with_torch.py python scripts/export_cost.py [--only NAME]...`.

For each architecture and each of its published sizes it makes a file of seeded weights and runs `mien-export onnx` on
it as a user does, proof included. Printed are wall time, processor time, that of all other programs meanwhile, and the
memory of the command and all its children at its highest (PSS: what several processes share counts once, and what of
the files is in memory counts too), looked at twice a second. The bar is 3 minutes and 3 GB on two idle cores; where
others took processor time, the time says little: measure again. Linux only.
"""

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import psutil

BAR_S: Final = 180.0
BAR_MB: Final = 3000.0
LOOKS_EVERY_S: Final = 0.5
SEED: Final = 7
HEAD: Final = "| network | wall s | processor s | others' s | peak MB | 3 min, 3 GB |\n|---|---|---|---|---|---|"
SAID: Final = {
    "arcface": ("--variant", "insightface"),
    "reswapper 128": ("--size", "128", "--emap", "none"),
    "reswapper 256": ("--size", "256", "--emap", "none"),
    "simswap 224": ("--variant", "224"),
    "simswap 224-imagenet": ("--variant", "224-imagenet"),
    "simswap 512-beta": ("--variant", "512-beta"),
    "simswap 512-unofficial": ("--variant", "512-unofficial"),
    "mobilefaceswap 224": ("--size", "224"),
    "mobilefaceswap 256": ("--size", "256"),
}
"""What has to be said of checkpoints whose keys do not tell."""


@dataclass(slots=True)
class Phase:
    """From one line that the export says to the next."""

    said: str
    began_s: float
    cpu_s: float = 0.0
    """Of the processor, until it ended."""
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one export."""

    name: str
    status: int
    wall_s: float
    cpu_s: float
    others_cpu_s: float
    """Of every other program meanwhile."""
    phases: Sequence[Phase]

    @property
    def worst(self) -> Phase:
        """What took the most memory."""
        return max(self.phases, key=lambda one: one.peak_mb)

    def line(self) -> str:
        """Give it as a row of a table."""
        kept = self.status == 0 and self.wall_s <= BAR_S and self.worst.peak_mb <= BAR_MB
        said = "yes" if kept else "**no**" if self.status == 0 else f"**ended with {self.status}**"
        times = f"{self.wall_s:.0f} | {self.cpu_s:.0f} | {self.others_cpu_s:.0f}"
        return f"| {self.name} | {times} | {self.worst.peak_mb:.0f} | {said} |"


def main() -> int:
    """Measure what was asked for; 1 where a bar was not kept."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="'ghost', or one size: 'ghost 3-block'")
    parser.add_argument("--phases", action="store_true", help="what each line of the export took")
    parser.add_argument("words", nargs="*", metavar="-- FLAG", help="more flags for mien-export onnx")
    asked = parser.parse_args()
    print(HEAD, flush=True)
    lines: list[str] = []
    for name in networks():
        if asked.only is None or name in asked.only or name.split()[0] in asked.only:
            cost = measured(name, asked.words, tell if asked.phases else lambda _: None)
            lines.append(cost.line())
            print(lines[-1], flush=True)
            if cost.status != 0:
                print(cost.phases[-1].said, file=sys.stderr)
    if not lines:
        parser.error(f"--only takes {', '.join(networks())}")
    return int(any("**" in one for one in lines))


def networks() -> Iterator[str]:
    """Name every architecture in every published size."""
    from mien_export.contracts import ARCHITECTURES

    return (f"{name} {size}" for name in ARCHITECTURES.names() for size in ARCHITECTURES.load(name).published)


def measured(name: str, words: Sequence[str], ended: Callable[[Phase], None]) -> Cost:
    """Export one network in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / f"{name.replace(' ', '-')}.pth"
        # What makes the weights is gone before the export begins.
        maker = get_context("spawn").Process(target=make, args=(name, checkpoint))
        maker.start()
        maker.join()
        flags = SAID.get(name, SAID.get(name.partition(" ")[0], ()))
        return watched(name, [str(checkpoint), "-o", str(Path(folder) / "net.onnx"), *flags, *words], ended)


def make(name: str, path: Path) -> None:
    """Save seeded weights."""
    import torch

    from mien_export.contracts import ARCHITECTURES
    from mien_export.seeded import seeded_checkpoint

    architecture, size = name.split()
    _, state = seeded_checkpoint(ARCHITECTURES.load(architecture), size, SEED, "full")
    torch.save(state, path)


def watched(name: str, words: Sequence[str], ended: Callable[[Phase], None]) -> Cost:
    """Run the command and look at it until it ends; `ended` is called with each phase."""
    before_s, all_before_s, began_s = children_cpu_s(), computer_cpu_s(), time.monotonic()
    phases = [Phase("starting", 0.0)]
    with tempfile.NamedTemporaryFile("w") as said, Path(said.name).open() as lines:
        command = [sys.executable, "-P", "-m", "mien_export", "onnx", *words]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said) as export:
            try:
                while export.poll() is None:
                    for line in lines:
                        ended(phases[-1])
                        phases.append(Phase(line.rstrip(), time.monotonic() - began_s))
                    look_at(export.pid, phases[-1])
                    time.sleep(LOOKS_EVERY_S)
            finally:
                # Whoever ends this program ends what it began.
                export.kill()
        phases += [Phase(line.rstrip(), time.monotonic() - began_s) for line in lines]
        for phase in phases[-3:]:
            ended(phase)
    own_s = children_cpu_s() - before_s
    others_s = max(0.0, computer_cpu_s() - all_before_s - own_s)
    return Cost(name, export.returncode, time.monotonic() - began_s, own_s, others_s, phases)


def children_cpu_s() -> float:
    """Give the processor time of all children that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def computer_cpu_s() -> float:
    """Give the processor time of all that ever ran on this computer."""
    spent = psutil.cpu_times()
    return spent.user + spent.nice + spent.system


def look_at(export: int, phase: Phase) -> None:
    """Take into a phase what the export takes now."""
    phase.peak_mb = max(phase.peak_mb, memory_mb(export))
    spent = psutil.Process(export).cpu_times()
    phase.cpu_s = spent.user + spent.system


def memory_mb(process: int) -> float:
    """Give what a process and its children take now; nothing for one that has ended."""
    place = Path("/proc") / str(process)
    try:
        children = (place / "task" / str(process) / "children").read_text().split()
        shares = [line.split() for line in (place / "smaps_rollup").read_text().splitlines()]
    except OSError:
        return 0.0
    own_kb = sum(int(words[1]) for words in shares if words[0] == "Pss:")
    return own_kb * 1024 / 1e6 + sum(memory_mb(int(child)) for child in children)


def tell(phase: Phase) -> None:
    """Say on stderr what a phase took."""
    took = f"{phase.began_s:6.1f} s, processor {phase.cpu_s:6.1f} s, {phase.peak_mb:6.0f} MB"
    print(f"  {took}  {phase.said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
