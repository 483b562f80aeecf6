"""The settings, resolved once into what each part needs; parts never see `Settings`."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from mien.config.choices import ConsentKind, GateMode, LabelMode, LandmarksMode
from mien.config.settings import Settings
from mien.pipeline.live.state import Policy
from mien.stages.enhance import parse_enhancer
from mien.stages.mask_methods._base import Edge, parse_mask
from mien_models.types import SwapOptions


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """Whose faces are used, and who gets which."""

    faces: tuple[str, ...]
    """Names in the library, or photos of one face."""
    consent: ConsentKind | None
    """By what right; None: as it is on record."""
    assign: str
    recogniser: str
    """The model that tells people apart."""


@dataclass(frozen=True, slots=True)
class SwapperOptions:
    """What swaps, and where it runs."""

    name: str
    wishes: SwapOptions
    provider: str
    threads: int | None
    """Of its networks; None leaves some cores to everything else."""


@dataclass(frozen=True, slots=True)
class EnhancerOptions:
    """What makes the new face clearer."""

    method: str
    network: Path
    """The user's file."""
    strength: float
    """0..1."""


@dataclass(frozen=True, slots=True)
class MaskOptions:
    """What stays in front of the face, and how its outline ends."""

    methods: tuple[tuple[str, Path | None], ...]
    """Each with the user's file, where it takes one."""
    edge: Edge


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """The words on swapped pictures."""

    mode: LabelMode
    language: str | None


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Where frames come from."""

    address: str | None
    """None takes the first camera."""
    size: tuple[int, int] | None
    """Width and height in pixels."""
    fps: Fraction | None
    loops: bool


@dataclass(frozen=True, slots=True)
class SigningOptions:
    """The user's own certificate, where there is one."""

    certificate: Path | None
    key: Path | None


@dataclass(frozen=True, slots=True)
class Options:
    """All of a session's options, part by part."""

    faces: FaceOptions
    swapper: SwapperOptions
    colour: str
    has_detail: bool
    enhancer: EnhancerOptions | None
    masks: MaskOptions
    gate: GateMode
    label: LabelOptions
    policy: Policy
    source: SourceOptions
    sinks: tuple[str, ...]
    """As `--sink` takes them; empty: what somebody can see."""
    signing: SigningOptions
    threads: int
    """Of each network and picture operation."""
    landmarks: LandmarksMode
    """How closely a face is looked at."""


def resolve(settings: Settings) -> Options:
    """Give each part what it needs.

    Raises:
        UsageError: a mask or an enhancer is written wrongly.
    """
    enhancer = None
    if settings.enhance is not None:
        enhancer = EnhancerOptions(*parse_enhancer(settings.enhance), settings.enhance_strength)
    wishes = SwapOptions(settings.shape, settings.strength, settings.boost, settings.morph)
    return Options(
        faces=FaceOptions(settings.face, settings.consent, settings.assign, settings.recogniser),
        swapper=SwapperOptions(settings.swapper, wishes, settings.provider, settings.swapper_threads),
        colour=settings.colour,
        has_detail=settings.detail,
        enhancer=enhancer,
        masks=MaskOptions(tuple(map(parse_mask, settings.masks)), Edge(settings.edge.erode, settings.edge.feather)),
        gate=settings.content_gate,
        label=LabelOptions(settings.label, settings.language),
        policy=Policy(settings.policy.lost, settings.policy.privacy, settings.policy.fault),
        source=SourceOptions(settings.camera, settings.size, settings.fps, settings.loop),
        sinks=settings.sinks,
        signing=SigningOptions(settings.credentials_certificate, settings.credentials_key),
        threads=settings.threads,
        landmarks=settings.landmarks,
    )
