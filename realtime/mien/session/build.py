"""The composition root: settings in, parts that work together out; nothing else knows both."""

import logging
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from mien.config.choices import GATE_OFF_WARNING, LABEL_OFF_WARNING, ChooseMode, GateMode, LabelMode
from mien.config.settings import Settings
from mien.config.watch import SettingsWatch
from mien.consent.permits import Permits
from mien.consent.terms import Scope
from mien.media.formats import check_carries
from mien.media.part_files import check_differ, check_spares
from mien.pipeline.events import LiveEvent
from mien.pipeline.interfaces import OutputFormat, Stage
from mien.pipeline.live.plan import Controls, LivePlan, LiveStatus, Prepared
from mien.pipeline.live.state import Policy
from mien.pipeline.malloc import keep_freed_memory
from mien.provenance.c2pa.sign import Signer
from mien.provenance.marks import Marks
from mien.session.audit import SessionLog, session_log
from mien.session.defaults import default_camera_address, default_sinks, output_format, source_request
from mien.session.live_changes import LiveChanges, SourceFacesInUse, make_swapper, user_networks, uses_of
from mien.session.recognition import fitter, self_check
from mien.session.signing import checked_signer, sign_files
from mien.session.source_faces import Ask, SourceFaces, open_source_faces, photos_of
from mien.session.stages import check_names, content_gate_stage, swap_stages
from mien.sinks import make_sink, parse_sink
from mien.sources.address import local_path, source_kind
from mien.sources.live import live_source
from mien.stages.consent_gate import ConsentStage, OwnerCheckStage
from mien.stages.foresee import ForeseeStage
from mien.stages.swap import SwapStage
from mien.stages.track import PhotoTrackStage, TrackStage
from mien.stages.watermark import MarkStage
from mien.tracking.foresight import ForesightedOne
from mien.tracking.networks import FaceNetworks, default_networks
from mien.tracking.recognition import PeopleChooser, Person
from mien.tracking.selection import Chooser, make_chooser, rank_of
from mien.tracking.settings import TrackerSettings
from mien.tracking.source_photo import seen_face, source_face_from
from mien.tracking.tracker import Tracker
from mien_models.errors import MienError
from mien_models.interfaces import Landmarker
from mien_models.swappers._loader import Networks
from mien_models.system.atomic_write import check_writable
from mien_models.types import SourceFace

_LOG = logging.getLogger(__name__)
_LEAVES_FILES: Final = frozenset({"file", "images"})
"""The sinks whose target is a file, or a folder of files."""
_PLAYED: Final = frozenset({"video", "images"})
"""The kinds of sources that are files."""


@dataclass(frozen=True, slots=True)
class FileWork:
    """What swaps one file."""

    stages: tuple[Stage, ...]
    providers: Mapping[str, str]
    """What each network runs on."""
    notes: Mapping[str, str]
    """What the report should mention."""
    signer: Signer
    """What signs the file."""
    log: SessionLog
    """Keeps a record of it."""


@dataclass(frozen=True, slots=True)
class ClipWork:
    """What is measured on a clip."""

    stages: tuple[Stage, ...]
    source_photo: SourceFace
    landmarker: Landmarker
    """One of its own, that looks without any smoothing."""


def live_plan(
    settings: Settings,
    *,
    ask: Ask | None,
    on_event: Callable[[LiveEvent], None],
    on_status: Callable[[LiveStatus], None],
    watch: SettingsWatch | None = None,
) -> LivePlan:
    """Put a live run together; nothing is opened yet but the photo, and a file that is played.

    `watch` sees changes of the settings file while the run lasts.

    Raises:
        UsageError: a name that no plug-in has, an output that is also an input, or nobody said whose face it is.
        PhotoError: the photo cannot be read.
        SourceError: there is no such file.
        SinkError: a recording could not carry Content Credentials.
    """
    check_names(settings)
    address = settings.camera if settings.camera is not None else default_camera_address()
    played = [local_path(address)] if source_kind(address) in _PLAYED else []
    targets = [(name, Path(target)) for name, target in map(parse_sink, settings.sinks)]
    files = [target for name, target in targets if name == "file"]
    check_differ([target for name, target in targets if name in _LEAVES_FILES])
    _spare_inputs(settings, played, files)
    request = source_request(address, settings.size, settings.fps)
    output = output_format(request, settings.size, settings.fps)
    marks = Marks(settings.label, settings.language)
    controls = Controls()
    sinks = tuple(make_sink(spec, output) for spec in settings.sinks or default_sinks())
    source_faces = open_source_faces(settings, ask)
    for use in uses_of(settings):
        source_faces.allow(use)
    sign_files(sinks, settings, marks.session_id)
    return LivePlan(
        source=live_source(request, loops=settings.loop),
        prepare=lambda: prepared(settings, source_faces, marks, output, watch),
        sinks=sinks,
        output=output,
        policy=Policy(settings.policy.lost, settings.policy.privacy, settings.policy.fault),
        release=marks.release,
        controls=controls,
        seconds=settings.seconds,
        report_path=settings.report,
        notes=notes_of(settings, source_faces, marks),
        on_event=on_event,
        on_status=on_status,
        run_log=session_log("run", settings, source_faces, marks, tuple(sink.description for sink in sinks)),
    )


def notes_of(settings: Settings, source_faces: SourceFaces, marks: Marks) -> dict[str, str]:
    """Say what the report mentions of the settings and of whose faces are lent."""
    notes = {"swapper": settings.swapper, "colour": settings.colour, "masks": ", ".join(settings.masks)}
    notes["consent"] = ", ".join(source_faces.consents)
    if settings.enhance is not None:
        notes["enhancer"] = settings.enhance
    notes |= {"session": marks.session_id, "label": marks.mode.value}
    if marks.mode is LabelMode.OFF:
        _LOG.warning(LABEL_OFF_WARNING)
    if settings.content_gate is not GateMode.FILES:
        notes["content gate"] = settings.content_gate.value
    if settings.content_gate is GateMode.OFF:
        _LOG.warning(GATE_OFF_WARNING)
    return notes


def prepared(
    settings: Settings,
    source_faces: SourceFaces,
    marks: Marks,
    output: OutputFormat,
    watch: SettingsWatch | None = None,
) -> Prepared:
    """Load the networks, find the faces in the photos and prepare the swappers for them and the marks.

    Raises:
        PhotoError: a photo shows no usable face.
        ModelError: a network does not run.
    """
    in_use = _in_use(settings, source_faces)
    chooser = _chooser(settings, source_faces, in_use.networks, waits=False)
    is_file = source_kind(settings.camera or default_camera_address()) in _PLAYED
    gate = content_gate_stage(settings, is_file=is_file, is_still=False)
    permits = Permits(source_faces.permits)
    check = OwnerCheckStage(self_check(settings, source_faces, in_use.sources, in_use.networks))
    swap = swap_stages(settings, TrackStage(Tracker(in_use.faces), chooser), in_use.stage)
    stages = (ConsentStage(permits), *gate, swap[0], check, *swap[1:])
    marks.prepare(output.width, output.height)
    _LOG.info("Swapper: %s, colour: %s, networks: %s.", settings.swapper, settings.colour, _said(in_use.providers))
    live_changes = LiveChanges(
        settings, SourceFacesInUse(in_use.stage, permits, source_faces, check), in_use.networks, watch
    )
    return Prepared(stages, in_use.providers, live_changes.renew)


def file_work(settings: Settings, input_path: Path, output_path: Path, *, ask: Ask | None) -> FileWork:
    """Put together what swaps one file: a picture is searched for faces harder than a frame of a video.

    Raises:
        UsageError, PhotoError, ModelError: as `live_plan` and `prepared`.
        SinkError: the output could not carry Content Credentials.
    """
    from mien.pipeline.offline import is_picture

    check_names(settings)
    check_carries(output_path)
    _spare_inputs(settings, [input_path], [output_path])
    marks = Marks(settings.label, settings.language)
    signer = checked_signer(settings, marks.session_id)
    source_faces = open_source_faces(settings, ask)
    source_faces.allow(Scope.RECORDING)
    in_use = _in_use(settings, source_faces)
    finder: Stage = (
        PhotoTrackStage(in_use.faces, _chooser(settings, source_faces, in_use.networks, waits=True))
        if is_picture(input_path)
        else _film_finder(settings, source_faces, in_use)
    )
    gate = content_gate_stage(settings, is_file=True, is_still=is_picture(input_path))
    permit = ConsentStage(Permits(source_faces.permits))
    stages = (permit, *gate, *swap_stages(settings, finder, in_use.stage), MarkStage(marks))
    log = session_log("swap", settings, source_faces, marks, (output_path.name,))
    return FileWork(stages, in_use.providers, notes_of(settings, source_faces, marks), signer, log)


def clip_work(settings: Settings, *, ask: Ask | None) -> ClipWork:
    """Put together what `mien bench quality` measures: the stages of a video, without the label.

    Raises:
        UsageError, PhotoError, ModelError: as `live_plan` and `prepared`.
    """
    check_names(settings)
    source_faces = open_source_faces(settings, ask)
    in_use = _in_use(settings, source_faces)
    finder = _film_finder(settings, source_faces, in_use)
    return ClipWork(swap_stages(settings, finder, in_use.stage), in_use.sources[0], default_networks().landmarker)


@dataclass(frozen=True, slots=True, eq=False)
class _LoadedFaces:
    """The lent faces, ready to be worn."""

    faces: FaceNetworks
    """What finds faces."""
    networks: Networks
    """The user's, loaded as they are needed."""
    sources: tuple[SourceFace, ...]
    stage: SwapStage

    @property
    def providers(self) -> Mapping[str, str]:
        """What each network runs on, also those that are loaded later."""
        return ChainMap(dict(self.faces.providers), cast("MutableMapping[str, str]", self.networks.providers))


def _in_use(settings: Settings, source_faces: SourceFaces) -> _LoadedFaces:
    import cv2

    cv2.setNumThreads(settings.threads)
    keep_freed_memory()
    faces, networks = default_networks(threads=settings.threads), user_networks(settings)
    sources = tuple(source_face_from(photos) for photos in source_faces.faces)
    stage = SwapStage([make_swapper(settings, source, networks) for source in sources])
    return _LoadedFaces(faces, networks, sources, stage)


def _film_finder(settings: Settings, source_faces: SourceFaces, in_use: _LoadedFaces) -> Stage:
    """Make what finds and chooses the faces of a file that is played through, in which nothing is dropped."""
    if source_faces.known_people:
        tracker = Tracker(in_use.faces, TrackerSettings.for_files(all_faces=True))
        return TrackStage(tracker, _chooser(settings, source_faces, in_use.networks, waits=True))
    return file_finder(in_use.faces, ChooseMode(settings.assign))


def file_finder(networks: FaceNetworks, mode: ChooseMode) -> Stage:
    """Make what finds the faces of a file and chooses among them in the way that one word says."""
    tracker = Tracker(networks, TrackerSettings.for_files(all_faces=mode is ChooseMode.ALL))
    if mode is ChooseMode.ALL:
        return TrackStage(tracker, make_chooser(mode))
    return ForeseeStage(tracker, ForesightedOne(rank_of(mode)))


def _chooser(settings: Settings, source_faces: SourceFaces, networks: Networks, *, waits: bool) -> Chooser:
    if not source_faces.known_people:
        return make_chooser(ChooseMode(settings.assign))

    look = fitter(settings, networks)
    people: list[Person] = []
    for known_person in source_faces.known_people:
        seen = seen_face(known_person.source_photo)
        people.append(
            Person(known_person.source_photo.address.path.name, look(seen.photo_bgr, seen.face), known_person.role)
        )
    return PeopleChooser(people, look, waits=waits)


def _spare_inputs(settings: Settings, played: Sequence[Path], written: Sequence[Path]) -> None:
    """Refuse to write over the photo or over what is played, and a report that could not be written at the end."""
    if settings.report is not None and not settings.report.parent.is_dir():
        path, folder = str(settings.report), str(settings.report.parent)
        raise MienError(f"The report {path!r} should go to a folder that is there; make {folder!r} first.")
    if settings.report is not None and (settings.report.is_file() or not settings.report.exists()):
        check_writable(settings.report)
    photos = photos_of(settings)
    for output in written if settings.report is None else (*written, settings.report):
        check_spares([*photos, *played], output)


def _said(providers: Mapping[str, str]) -> str:
    return ", ".join(f"{network} on {provider}" for network, provider in providers.items())
