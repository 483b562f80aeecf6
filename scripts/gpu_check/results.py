"""What was found, as `result.json` and `result.md`: written anew after every step, so that an abort loses nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpu_check.machine import Machine, told
from gpu_check.running import Outcome


@dataclass(eq=False)
class Results:
    """Everything so far."""

    folder: Path
    machine: Machine
    packages: dict[str, str] = field(default_factory=dict[str, str])
    """What is wrong with each folder of packages; '' for nothing."""
    missing: Sequence[str] = ()
    """Networks without graphs."""
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    not_reached: Sequence[str] = ()
    """Steps for which no time was left, or that are still to come."""

    @property
    def has_failed(self) -> bool:
        """Whether something that should have run on the card did not, or ran wrongly."""
        wrong = [one for one in self.outcomes if one.step.must_pass and not one.is_right]
        return bool(wrong or self.not_reached or any(self.packages.values()) or (self.machine.card and self.missing))

    def write(self) -> None:
        """Write both files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / "result.json", json.dumps(self._data(), indent=1) + "\n")
        _replace(self.folder / "result.md", "\n".join(self._lines()) + "\n")

    def _data(self) -> dict[str, Any]:
        return {
            "machine": told(self.machine),
            "packages": self.packages,
            "graphs_missing": list(self.missing),
            "not_reached": list(self.not_reached),
            "has_failed": self.has_failed,
            "steps": [
                {
                    "name": one.step.name,
                    "seconds": one.seconds,
                    "is_right": one.is_right,
                    "fault": one.fault,
                    "last_words": list(one.notes),
                    "found": list(one.found),
                }
                for one in self.outcomes
            ],
        }

    def _lines(self) -> list[str]:
        here = self.machine
        card = (
            f"{here.card}, compute capability {here.capability}, {here.memory_mb} MiB, driver {here.driver} "
            f"(CUDA {here.driver_cuda})"
        )
        lines = [f"# {card if here.card else 'No NVIDIA card: everything ran on the processor, at reduced sizes'}", ""]
        lines += [f"Python {here.python}, {here.cores} cores, {here.system}.", ""]
        lines += _wrong(self)
        found = [(one.step.module, what) for one in self.outcomes for what in one.found]
        lines += _networks([what for module, what in found if module == "network"])
        lines += _live([what for module, what in found if module == "live"])
        lines += _engines([what for module, what in found if module == "engines"])
        if self.not_reached:
            lines += ["## Not reached", "", *(f"- {name}" for name in self.not_reached), ""]
        return lines


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)


def _wrong(results: Results) -> list[str]:
    lines = [f"- packages, {name}: {fault}" for name, fault in results.packages.items() if fault]
    lines += [f"- no graph of {name} was exported" for name in results.missing]
    for one in results.outcomes:
        if one.fault:
            lines.append(f"- {one.step.name}: {one.fault}. {' / '.join(one.notes)}")
        elif not one.found:
            lines.append(f"- {one.step.name}: it found nothing")
        lines += [f"- {one.step.name}, {_variant(what)}: {what['fault']}" for what in one.found if what.get("fault")]
    return ["## Wrong", "", *lines, ""] if lines else ["Everything that was reached is as it should be.", ""]


def _variant(what: dict[str, Any]) -> str:
    return str(what.get("variant", what.get("target", what.get("size", ""))))


def _networks(found: Sequence[dict[str, Any]]) -> list[str]:
    measured = [one for one in found if "call_ms" in one]
    if not measured:
        return []
    lines = [
        "## Networks, a call with the way there and back", "",
        "| network | provider | variant | p50 ms | p95 ms | there | run | back | first s | MB | difference | right |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in measured:
        parts = one["parts_ms"]
        ways = [f"{parts[name]['p50']:.2f}" if parts else "" for name in ("upload", "compute", "download")]
        lines.append(
            f"| {one['network']} | {one['provider']} | {one['variant']} | {one['call_ms']['p50']:.2f} | "
            f"{one['call_ms']['p95']:.2f} | {' | '.join(ways)} | {one['build_ms'] / 1000:.1f} | "
            f"{'' if one['memory_mb'] is None else one['memory_mb']} | {one['largest']:.2g} | "
            f"{'no' if one['fault'] else 'yes'} |"
        )
    return [*lines, ""]


def _live(found: Sequence[dict[str, Any]]) -> list[str]:
    measured = [one for one in found if "swapped_per_s" in one]
    if not measured:
        return []
    lines = [
        "## The live loop, synthetic camera to nowhere", "",
        "| network | size | provider | asked | swapped | age p50 | p95 | card % | dearest stages | left out | right |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in measured:
        stages = sorted(one["stages_ms"].items(), key=lambda pair: -pair[1]["p50_ms"])
        dearest = ", ".join(f"{name} {times['p50_ms']:.1f}" for name, times in stages[:4])
        age: dict[str, float | None] = one["age_ms"] or {}
        extra = f" x{one['boost']}" if one["boost"] > 1 else " with an enhancer" if one["enhance"] else ""
        extra += f", {one['threads']} threads a stage" if one["threads"] else ""
        lines.append(
            f"| {one['network']}{extra} | {one['size']} | {one['provider']} | {one['asked_fps']} | "
            f"{one['swapped_per_s']} | {_shown(age.get('p50'))} | {_shown(age.get('p95'))} | "
            f"{one['gpu'].get('busy_percent', '')} | {dearest} | {', '.join(one['left_out'])} | "
            f"{'no' if one['fault'] else 'yes'} |"
        )
    return [*lines, ""]


def _engines(found: Sequence[dict[str, Any]]) -> list[str]:
    if not found:
        return []
    lines = ["## Engines of TensorRT-RTX", ""]
    for one in found:
        whose = "the card's own" if one["is_own"] else "another card's"
        lines.append(f"- {one['network']} for {one['target']} ({whose}): {_engine(one)}")
    return [*lines, ""]


def _engine(one: dict[str, Any]) -> str:
    if one.get("fault"):
        return f"wrong: {one['fault']}"
    if one.get("refused"):
        return f"refused, {one['refused']}"
    return f"built in {one['build_s']} s, p50 {one['call_ms']['p50']} ms, p95 {one['call_ms']['p95']} ms"


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.1f}"
