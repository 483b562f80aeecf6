"""The settings, resolved once into what each part needs; parts never see `Settings`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from mien.config.choices import (
    ChooseMode,
    ConsentKind,
    EyesMode,
    GateMode,
    GlassesMode,
    LabelMode,
    LandmarksMode,
)
from mien.config.patch import changed_names, patched
from mien.config.settings import Settings
from mien.media.formats import RecordingWish
from mien.pipeline.live.state import Policy
from mien.remote.machines import parse_addresses
from mien.remote.protocol import Wishes
from mien.sound.obs import ObsWish, obs_wish
from mien.stages.mask import MASKS, Edge
from mien_models.errors import UsageError
from mien_models.networks.enhancers._base import ENHANCERS
from mien_models.types import SwapOptions

_MESH: Final = "mesh"
"""What swaps here while another machine is away: it needs nothing that is not in the wheel."""


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
    target: str
    """The user's file, where it takes one."""
    strength: float
    """0..1."""


@dataclass(frozen=True, slots=True)
class MaskOptions:
    """What stays in front of the face, and how its outline ends."""

    methods: tuple[tuple[str, str], ...]
    """Each with the user's file, '' where it takes none."""
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
class SoundOptions:
    """What is heard."""

    microphone: str | None
    """Its name; 'none' for none, None for the system's where an output has sound."""
    is_muted: bool
    panic_mutes: bool
    recording: RecordingWish = field(default_factory=RecordingWish)
    """How recordings are made, from the next file on."""
    microphone_out: str | None = None
    """The output device that the delayed microphone is played into; None: none."""
    is_in_lan: bool = False
    """Whether pages with picture and sound may be opened by other devices of the network."""
    obs: ObsWish | None = None
    """The OBS that holds its own microphone back; None: nobody tells it."""


@dataclass(frozen=True, slots=True)
class SigningOptions:
    """The user's own certificate, where there is one."""

    certificate: Path | None
    key: Path | None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run ends, and what it leaves."""

    seconds: float | None
    """None: until something else ends it."""
    report: Path | None
    """Where its report is written."""


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """The machine that swaps for this one."""

    address: str
    """HOST or HOST:PORT, or several with commas between them."""
    takes_over: bool
    """Whether this machine swaps while the other is away."""
    wishes: Wishes
    """How the other machine swaps; what this one does meanwhile is in the other options."""


@dataclass(frozen=True, slots=True)
class Options:
    """All of a session's options, part by part."""

    faces: FaceOptions
    swapper: SwapperOptions
    colour: str
    tone: float
    """How much of the photo's skin tone is kept, 0..1."""
    glasses: GlassesMode
    """What becomes of the user's own."""
    has_detail: bool
    finisher: Path | None
    """A network that repairs composed faces; None: they stay as they are."""
    enhancer: EnhancerOptions | None
    masks: MaskOptions
    gate: GateMode
    label: LabelOptions
    policy: Policy
    source: SourceOptions
    sound: SoundOptions
    sinks: tuple[str, ...]
    """As `--sink` takes them; empty: what somebody can see."""
    signing: SigningOptions
    run: RunOptions
    threads: int
    """Of each network and picture operation."""
    landmarks: LandmarksMode
    """How closely a face is looked at."""
    remote_address: str | None
    """The machine that swaps a live picture; None: this one."""
    remote: RemoteOptions | None
    """What it is asked for; None but for a live session, see `for_live`."""
    _settings: Settings = field(repr=False)
    """What they were resolved from; parts do not look at it."""

    def patched(self, changes: Mapping[str, object]) -> "Options":
        """Give those of the same settings with some of other values.

        Raises:
            PatchError: one of them is not possible, with a sentence about each.
            UsageError: as `resolve`.
        """
        return resolve(patched(self._settings, changes))

    def for_live(self) -> "Options":
        """Give those of a live session: where another machine swaps, this one needs no more than 'mesh'.

        Raises:
            UsageError: what is asked for can be done on this machine only.
        """
        if self.remote_address is None:
            return self
        remote = RemoteOptions(self.remote_address, self._settings.remote_takeover, _wishes(self._settings))
        parse_addresses(self.remote_address)
        return replace(self, swapper=replace(self.swapper, name=_MESH), enhancer=None, remote=remote)

    def changed_from(self, before: "Options") -> tuple[str, ...]:
        """Name the settings that differ; those inside tables with a dot."""
        return changed_names(before._settings, self._settings)  # noqa: SLF001 - of the same class

    def as_json(self) -> dict[str, object]:
        """Give every setting's value, for those who show them."""
        return self._settings.model_dump(mode="json")


def resolve(settings: Settings) -> Options:
    """Give each part what it needs.

    Raises:
        UsageError: a mask or an enhancer is written wrongly, or there is none of that name.
    """
    enhancer = None
    if settings.enhance is not None:
        enhancer = EnhancerOptions(*ENHANCERS.parse(settings.enhance), settings.enhance_strength)
    wishes = SwapOptions(
        settings.shape,
        settings.strength,
        settings.boost,
        settings.morph,
        settings.template,
        photo_eyes=settings.eyes == EyesMode.PHOTO,
    )
    return Options(
        faces=FaceOptions(settings.face, settings.consent, settings.assign, settings.recogniser),
        swapper=SwapperOptions(settings.swapper, wishes, settings.provider, settings.swapper_threads),
        colour=settings.colour,
        tone=settings.tone,
        glasses=settings.glasses,
        has_detail=settings.detail,
        finisher=settings.finish,
        enhancer=enhancer,
        masks=MaskOptions(tuple(map(MASKS.parse, settings.masks)), Edge(settings.edge.erode, settings.edge.feather)),
        gate=settings.content_gate,
        label=LabelOptions(settings.label, settings.language),
        policy=Policy(settings.policy.lost, settings.policy.privacy, settings.policy.fault),
        source=SourceOptions(settings.camera, settings.size, settings.fps, settings.loop),
        sound=SoundOptions(
            settings.microphone,
            settings.mute,
            settings.panic_mutes,
            RecordingWish.of(settings.recording_quality, settings.recording_height),
            settings.microphone_out,
            settings.lan,
            None if settings.obs is None else obs_wish(settings.obs, settings.obs_microphone),
        ),
        sinks=settings.sinks,
        signing=SigningOptions(settings.credentials_certificate, settings.credentials_key),
        run=RunOptions(settings.seconds, settings.report),
        threads=settings.threads,
        landmarks=settings.landmarks,
        remote_address=settings.remote,
        remote=None,
        _settings=settings,
    )


def _wishes(settings: Settings) -> Wishes:
    """Say what the machine that swaps is asked for.

    Raises:
        UsageError: it needs something that stays on this machine.
    """
    files = [name for name in (*settings.masks, settings.enhance or "") if ":" in name]
    if files:
        raise UsageError(
            f"{files[0]!r} names a file of this machine, which the one that swaps does not have; leave it away, or "
            "leave --remote away."
        )
    if settings.assign not in {mode.value for mode in ChooseMode}:
        raise UsageError(
            "A list of people is recognised on the machine that swaps only, and their photos stay here; take largest, "
            "leftmost or all for --assign, or leave --remote away."
        )
    return Wishes(
        swapper=settings.swapper,
        strength=settings.strength,
        boost=settings.boost,
        morph=settings.morph,
        template=settings.template,
        shape=settings.shape,
        eyes=settings.eyes,
        tone=settings.tone,
        glasses=settings.glasses,
        colour=settings.colour,
        detail=settings.detail,
        enhance=settings.enhance,
        enhance_strength=settings.enhance_strength,
        masks=settings.masks,
        erode=settings.edge.erode,
        feather=settings.edge.feather,
        landmarks=settings.landmarks,
        assign=ChooseMode(settings.assign),
    )


def usual_options(**chosen: object) -> Options:
    """Give the options of settings that stand nowhere: the defaults but for what is chosen."""
    return resolve(Settings.model_construct(**chosen))  # type: ignore[arg-type]  # of any setting
