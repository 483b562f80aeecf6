"""The graphics card: whether networks run on it, and what to install where they could."""

from mien.diagnostics.doctor.checks import Check, Verdict
from mien_models.runtimes.ort.available import Available, idle_card
from mien_models.runtimes.ort.card import GraphicsCard


def check_card(here: GraphicsCard | None, found: Available) -> Check:
    """Say which NVIDIA card is there, and in one sentence when it stands idle.

    Args:
        here: the card.
        found: which providers of ONNX Runtime can start.
    """
    idle = idle_card(found, here)
    told = "no NVIDIA card" if here is None else _told(here)
    if idle is None:
        return Check("graphics card", Verdict.OK, told)
    return Check("graphics card", Verdict.ADVICE, told, idle)


def _told(here: GraphicsCard) -> str:
    capability = ".".join(map(str, here.capability))
    return f"{here.name}, {here.memory_mb} MB, compute capability {capability}, driver {here.driver}"
