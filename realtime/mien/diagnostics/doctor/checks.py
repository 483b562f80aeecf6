"""What the doctor says of one thing."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How bad it is."""

    OK = "ok"
    ADVICE = "advice"
    """Something that many users want is missing or slow; Mien runs without it."""
    BROKEN = "broken"
    """Mien cannot do its work until this is put right."""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the doctor's table."""

    name: str
    verdict: Verdict
    found: str
    """What is there, in one line."""
    advice: str = ""
    """What to do about it; empty where nothing is to be done."""
