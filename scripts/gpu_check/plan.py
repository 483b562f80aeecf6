"""What is measured on which machine, the most valuable first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gpu_check.machine import Machine
from gpu_check.running import Step

GRAPHS: Final = Path(__file__).parent / "graphs"
_CALLS: Final = 200
_SIZES: Final = ("1280x720", "1920x1080", "2560x1440")
_LIVE: Final = ("reswapper-128", "hyperswap-256", "simswap-512-unofficial", "ghost-2-block")
_ENHANCER: Final = "restorer-512"
_FIRST: Final = ("reswapper-128", "arcface-r50", "simswap-512-unofficial", "hyperswap-256", "ghost-2-block", _ENHANCER)
_PROVIDERS: Final = {"cuda": "cuda", "rtx": "tensorrt-rtx"}
_FPS: Final = 60
_WIDE: Final = (2, 4)
"""Threads of the stages that are tried beside the default, where the processor has four times as many cores."""
_LIVE_S: Final = 6
_FOR_ALL: Final = ("fused mixed", "mixed", "fp32", "fp32, without TF32")
"""Variants that every network is measured in; the first one is measured in all that there are."""
EVERY: Final = (
    *_FIRST,
    "crossface-512", "simswap-224", "simswap-512-beta", "dfl-df-224", "mobilefaceswap-224", "reswapper-256",
    "ghost-1-block", "arcface-r100", "dfl-liae-224", "mobilefaceswap-256", "ghost-3-block",
)  # fmt: skip
"""Every architecture that `mien_export.seeded` fills, in its published sizes, and a network of GFPGAN's size."""


def steps(machine: Machine, graphs: Sequence[str], routes: Sequence[str]) -> list[Step]:
    """Order what can be measured.

    Args:
        machine: with or without a card.
        graphs: the networks whose graphs are there.
        routes: 'cuda', 'rtx' and 'engines' as far as there are packages for them, in the order to try them in.
    """
    if not machine.card:
        return _without_a_card(graphs)
    wanted: list[Step] = [_weights([one for one in EVERY if one in graphs])]
    for route in routes:
        wanted += [_engines(machine)] if route == "engines" else _on_card(machine, graphs, route, _PROVIDERS[route])
    return wanted


def ordered_routes(machine: Machine, installed: Sequence[str]) -> list[str]:
    """Choose which packages are tried, and which first: the plug-in where it takes the card, CUDA's provider always."""
    order = ["rtx", "cuda", "engines"] if machine.takes_rtx else ["cuda", "engines"]
    if not machine.card:
        # Any of them runs on the processor too.
        return [one for one in ("rtx", "cuda") if one in installed][:1]
    return [one for one in order if one in installed]


def graphs_there() -> list[str]:
    """Name the networks whose graphs were exported."""
    return sorted(path.stem for path in GRAPHS.glob("*.zip"))


def missing(graphs: Sequence[str]) -> list[str]:
    """Name the networks that cannot be measured, because their graphs were not exported."""
    return [one for one in EVERY if one not in graphs]


def _weights(networks: Sequence[str]) -> Step:
    # Whatever is not drawn by then is drawn by the step that needs it.
    return Step("draw the weights", "weights", {"networks": list(networks)}, 60, must_pass=False)


def _on_card(machine: Machine, graphs: Sequence[str], route: str, provider: str) -> list[Step]:
    threads = max(1, machine.cores // 2)
    networks = [one for one in EVERY if one in graphs]
    live = [one for one in _LIVE if one in graphs]
    first = live[:1]

    def network(name: str) -> Step:
        variants = None if name in first else _FOR_ALL
        order = {"network": name, "provider": provider, "calls": _CALLS, "threads": threads, "variants": variants}
        return Step(f"network {name} on {provider}", "network", order, 75, route)

    def lively(name: str, size: str, *, boost: int = 1, enhance: bool = False, wide: int = 0) -> Step:
        order = {
            "network": name, "provider": provider, "size": size, "boost": boost, "enhance": enhance,
            "fps": _FPS, "live_s": _LIVE_S, "threads": wide,
        }  # fmt: skip
        many = f", {wide} threads a stage" if wide else ""
        extra = f" x{boost}" if boost > 1 else " with an enhancer" if enhance else ""
        return Step(f"live {name}{extra} at {size} on {provider}{many}", "live", order, 45, route)

    ordered = [network(one) for one in first] + [lively(one, _SIZES[0]) for one in first]
    ordered += [lively(one, _SIZES[0], wide=wide) for one in first for wide in _WIDE if wide * 4 <= machine.cores]
    ordered += [lively(one, _SIZES[0], boost=boost) for one in first for boost in (2, 4)]
    for name in (one for one in _FIRST if one in networks and one not in first):
        ordered.append(network(name))
        ordered += [lively(name, _SIZES[0])] if name in live else []
    if _ENHANCER in networks:
        ordered += [lively(one, _SIZES[0], enhance=True) for one in first]
    ordered += [lively(one, size) for size in _SIZES[1:] for one in live]
    ordered += [lively(one, size, boost=boost) for size in _SIZES[1:] for boost in (2, 4) for one in first]
    return [*ordered, *(network(one) for one in networks if one not in _FIRST)]


def _engines(machine: Machine) -> Step:
    order = {"network": "reswapper-128", "capability": machine.capability, "calls": _CALLS, "threads": machine.cores}
    return Step("engines of TensorRT-RTX", "engines", order, 120, "engines", must_pass=machine.takes_rtx)


def _without_a_card(graphs: Sequence[str]) -> list[Step]:
    """Reduced: that every part of the check works, not how fast anything is."""
    tiny = [one for one in graphs if one.endswith("-tiny")]
    order: dict[str, Any] = {"provider": "cpu", "calls": 10, "threads": 1}
    wanted = [Step("draw the weights", "weights", {"networks": tiny}, 60)]
    wanted += [Step(f"network {one} on cpu", "network", {**order, "network": one}, 60) for one in tiny]
    live = [one for one in tiny if one.startswith("reswapper")]
    lively = {"provider": "cpu", "size": "320x240", "boost": 1, "enhance": False, "fps": 15, "live_s": 3, "threads": 0}
    return wanted + [Step(f"live {one} at 320x240 on cpu", "live", {**lively, "network": one}, 60) for one in live]


def sites_of(step: Step, sites: dict[str, Path]) -> list[Path]:
    """Choose a step's folders of packages: what its provider needs goes before what everything needs."""
    fallback = next((one for one in ("cuda", "rtx") if one in sites), "")
    route = step.route if step.route in sites else fallback
    # An engine is compared with what ONNX Runtime answers on the processor.
    routes = [route, fallback] if route == "engines" else [route]
    return [sites[one] for one in (*routes, "base") if one in sites]
