"""The composition root: settings in, parts that work together out; nothing else knows both."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien import folders
from mien.colouring import ColourMethod
from mien.consent import ConsentBook, ConsentKind, consent_for
from mien.contracts import Stage
from mien.defaults import default_camera_address, default_sinks, output_format, source_request
from mien.enhancing import parse_enhancer
from mien.follow.choose import ChooseMode, make_chooser
from mien.follow.follower import Follower
from mien.follow.networks import default_networks
from mien.intake.addresses import local_path, source_kind
from mien.intake.live_source import live_source
from mien.live.plan import Controls, LiveEvent, LivePlan, LiveStatus, Prepared
from mien.live.policy import Policy
from mien.masking import Edge, MaskFactory, parse_mask
from mien.memory import keep_freed_memory
from mien.portrait import Portrait, lent_face, portrait_address, public_domain_portrait, read_portrait
from mien.recording.partial import check_spares
from mien.settings import Settings
from mien.sinks import make_sink, parse_sink
from mien.stages.colour import ColourStage
from mien.stages.compose import ComposeStage
from mien.stages.detail import DetailStage
from mien.stages.enhance import EnhanceStage
from mien.stages.follow import FollowStage
from mien.stages.mark import LabelStage
from mien.stages.mask import MaskStage
from mien.stages.still import StillStage
from mien.stages.swap import SwapStage
from mien_models.contracts import EnhancerFactory, Landmarker, SwapperFactory
from mien_models.errors import MienError
from mien_models.faces import SourceFace
from mien_models.options import SwapOptions
from mien_models.plugins import Plugins

_LOG = logging.getLogger(__name__)
SWAPPERS: Final[Plugins[SwapperFactory]] = Plugins("mien_models.swappers", "swapper")
COLOURS: Final[Plugins[ColourMethod]] = Plugins("mien.colour", "colour method")
MASKS: Final[Plugins[MaskFactory]] = Plugins("mien.masks", "mask")
ENHANCERS: Final[Plugins[EnhancerFactory]] = Plugins("mien_models.enhancers", "enhancer")

Ask = Callable[[str], str]
"""Puts a question to a person and gives the answer."""


@dataclass(frozen=True, slots=True)
class FileWork:
    """What swaps one file."""

    stages: tuple[Stage, ...]
    providers: Mapping[str, str]
    """What each network runs on."""
    notes: Mapping[str, str]
    """What the report should mention."""


@dataclass(frozen=True, slots=True)
class ClipWork:
    """What is measured on a clip."""

    stages: tuple[Stage, ...]
    portrait: SourceFace
    landmarker: Landmarker
    """One of its own, that looks without any smoothing."""


def live_plan(
    settings: Settings,
    *,
    ask: Ask | None,
    on_event: Callable[[LiveEvent], None],
    on_status: Callable[[LiveStatus], None],
) -> LivePlan:
    """Put a live run together; nothing is opened yet but the photo, and a file that is played.

    Raises:
        UsageError: a name that no plug-in has, an output that is also an input, or nobody said whose face it is.
        PhotoError: the photo cannot be read.
        SourceError: there is no such file.
    """
    check_names(settings)
    address = settings.camera if settings.camera is not None else default_camera_address()
    played = [local_path(address)] if source_kind(address) in {"video", "images"} else []
    files = [Path(target) for name, target in map(parse_sink, settings.sinks) if name == "file"]
    _spare_inputs(settings, played, files)
    portraits, notes = lent_portraits(settings, ask)
    request = source_request(address, settings.size, settings.fps)
    output = output_format(request, settings.size, settings.fps)
    controls = Controls()
    return LivePlan(
        source=live_source(request, loops=settings.loop),
        prepare=lambda: prepared(settings, portraits),
        sinks=tuple(make_sink(spec, output) for spec in settings.sinks or default_sinks()),
        output=output,
        policy=Policy(settings.policy.lost, settings.policy.privacy, settings.policy.fault),
        controls=controls,
        seconds=settings.seconds,
        report_path=settings.report,
        notes=notes,
        on_event=on_event,
        on_status=on_status,
    )


def check_names(settings: Settings) -> None:
    """Refuse a swapper, colour method, mask, enhancer or sink that does not exist before anything takes time.

    Raises:
        UsageError: the choices are listed.
    """
    SWAPPERS.check(settings.swapper)
    COLOURS.check(settings.colour)
    for spec in settings.masks:
        MASKS.check(parse_mask(spec)[0])
    if settings.enhance is not None:
        ENHANCERS.check(parse_enhancer(settings.enhance)[0])
    for spec in settings.sinks:
        parse_sink(spec)


def lent_portraits(settings: Settings, ask: Ask | None) -> tuple[list[Portrait], dict[str, str]]:
    """Read the photos and settle for each whose face it is; also what the report notes of it.

    Raises:
        UsageError: nobody said whose face it is.
        PhotoError: there is no such photo or it cannot be read.
    """
    notes = {"swapper": settings.swapper, "colour": settings.colour, "masks": ", ".join(settings.masks)}
    if settings.enhance is not None:
        notes["enhancer"] = settings.enhance
    if settings.no_label is not None:
        notes["label"] = f"off: {settings.no_label}"
        _LOG.warning("The 'AI MODIFIED' label is left out; the report keeps the reason.")
    if not settings.face:
        _LOG.info("Without --face the astronaut portrait of scikit-image is lent: NASA, public domain.")
        notes["consent"] = ConsentKind.PUBLIC_DOMAIN.value
        return [read_portrait(portrait_address(str(public_domain_portrait())))], notes
    portraits = [read_portrait(portrait_address(text)) for text in settings.face]
    book = ConsentBook(folders.data_folder() / "consents")
    kinds: list[str] = []
    for portrait in portraits:
        consent = consent_for(portrait.address.path, given=settings.consent, book=book, ask=ask)
        _LOG.info("Face: %s (%s).", portrait.address.path.name, consent.kind.meaning)
        kinds.append(consent.kind.value)
    notes["consent"] = ", ".join(dict.fromkeys(kinds))
    return portraits, notes


def prepared(settings: Settings, portraits: Sequence[Portrait]) -> Prepared:
    """Load the networks, find the face in the photos and prepare the swapper for it.

    Raises:
        PhotoError: the photo shows no usable face.
        ModelError: a network does not run.
    """
    import cv2

    cv2.setNumThreads(settings.threads)
    keep_freed_memory()
    networks = default_networks(threads=settings.threads)
    follow = FollowStage(Follower(networks), make_chooser(ChooseMode(settings.choose)))
    stages = make_stages(settings, follow, lent_face(portraits))
    _LOG.info("Swapper: %s, colour: %s, networks: %s.", settings.swapper, settings.colour, _said(networks.providers))
    return Prepared(stages, networks.providers)


def file_work(settings: Settings, input_path: Path, output_path: Path, *, ask: Ask | None) -> FileWork:
    """Put together what swaps one file: a picture is searched for faces harder than a frame of a video.

    Raises:
        UsageError, PhotoError, ModelError: as `live_plan` and `prepared`.
    """
    from mien.offline import is_picture

    check_names(settings)
    _spare_inputs(settings, [input_path], [output_path])
    portraits, notes = lent_portraits(settings, ask)
    networks = default_networks(threads=settings.threads)
    chooser = make_chooser(ChooseMode(settings.choose))
    finder: Stage = (
        StillStage(networks, chooser) if is_picture(input_path) else FollowStage(Follower(networks), chooser)
    )
    return FileWork(make_stages(settings, finder, lent_face(portraits)), networks.providers, notes)


def clip_work(settings: Settings, *, ask: Ask | None) -> ClipWork:
    """Put together what `mien bench quality` measures: the stages of a video, without the label.

    Raises:
        UsageError, PhotoError, ModelError: as `live_plan` and `prepared`.
    """
    check_names(settings)
    portraits, _ = lent_portraits(settings, ask)
    networks = default_networks(threads=settings.threads)
    finder = FollowStage(Follower(networks), make_chooser(ChooseMode(settings.choose)))
    source = lent_face(portraits)
    return ClipWork(swap_stages(settings, finder, source), source, default_networks().landmarker)


def make_stages(settings: Settings, finder: Stage, source: SourceFace) -> tuple[Stage, ...]:
    """Make the stages in the order of a frame's way, with the label unless there is a reason to leave it out."""
    stages = swap_stages(settings, finder, source)
    return stages if settings.no_label is not None else (*stages, LabelStage())


def swap_stages(settings: Settings, finder: Stage, source: SourceFace) -> tuple[Stage, ...]:
    """Make the stages up to the composed picture."""
    swapper = SWAPPERS.load(settings.swapper)(source, SwapOptions(shape=settings.shape))
    colour = ColourStage(COLOURS.load(settings.colour))
    detail = (DetailStage(),) if settings.detail else ()
    enhance = (enhance_stage(settings),) if settings.enhance is not None else ()
    return (finder, SwapStage(swapper), colour, *enhance, *detail, mask_stage(settings), ComposeStage())


def enhance_stage(settings: Settings) -> EnhanceStage:
    """Make the stage of the enhancer that was asked for, and say what it costs."""
    name, network = parse_enhancer(settings.enhance or "")
    enhancer = ENHANCERS.load(name)(network, threads=settings.threads)
    _LOG.info("Enhancer: %s on %s, about %.0f ms for each face.", name, enhancer.provider, enhancer.cost_ms)
    return EnhanceStage(enhancer, settings.enhance_strength)


def mask_stage(settings: Settings) -> MaskStage:
    """Make the stage of all the masks that were asked for."""
    methods = [MASKS.load(name)(network) for name, network in map(parse_mask, settings.masks)]
    return MaskStage(methods, Edge(settings.edge.erode, settings.edge.feather))


def _spare_inputs(settings: Settings, played: Sequence[Path], written: Sequence[Path]) -> None:
    """Refuse to write over the photo or over what is played, and a report that could not be written at the end."""
    if settings.report is not None and not settings.report.parent.is_dir():
        path, folder = str(settings.report), str(settings.report.parent)
        raise MienError(f"The report {path!r} should go to a folder that is there; make {folder!r} first.")
    photos = [portrait_address(text).path for text in settings.face]
    for output in written if settings.report is None else (*written, settings.report):
        check_spares([*photos, *played], output)


def _said(providers: Mapping[str, str]) -> str:
    return ", ".join(f"{network} on {provider}" for network, provider in providers.items())
