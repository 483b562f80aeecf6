"""The composition root: options in, parts that work together out; nothing else knows both."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.config.choices import GATE_OFF_WARNING, LABEL_OFF_WARNING, GateMode, LabelMode
from mien.consent.terms import Scope
from mien.media.formats import check_carries
from mien.pipeline.interfaces import MarkingStage, Stage
from mien.pipeline.live.plan import LivePlan
from mien.pipeline.live.stage_threads import Unused
from mien.pipeline.sink_interfaces import Sink
from mien.provenance.c2pa.sign import Signer
from mien.session.audit import SessionLog, session_log
from mien.session.changes import InForce
from mien.session.ends import checked_signer, output_format, sign_files, source_request
from mien.session.live_session import LiveSession, Ticker
from mien.session.loaded import load
from mien.session.options import Options
from mien.session.remote import SessionRemote, known_machines
from mien.session.sound import SessionSound
from mien.session.source_faces import Ask, SourceFaces, agreed_source_faces, open_source_faces, photos_of
from mien.session.stages import Making, check_names, stages_of
from mien.sinks.registry import default_sinks, make_sink, uses_of, written_by
from mien.sources.registry import default_address, is_played, live_source, local_path
from mien.stages.marks import Marks
from mien.tracking.landmark_fit import default_networks
from mien_models.errors import MienError
from mien_models.interfaces import Landmarker
from mien_models.system.atomic_write import check_differ, check_spares, check_writable
from mien_models.types import SourceFace

_LOG = logging.getLogger(__name__)
_FILE: Final = "file"


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


def live_session(options: Options, *, ask: Ask | None, on_tick: Ticker | None = None) -> LiveSession:
    """Put a live session together; nothing is opened yet but the photo, and a file that is played.

    Args:
        options: what the user wants.
        ask: puts a question to a person; None where nobody is there.
        on_tick: called about four times a second while the session runs, with the session.

    Raises:
        UsageError: a name that no plug-in has, an output that is also an input, or nobody said whose face it is.
        PhotoError: the photo cannot be read.
        SourceError: there is no such file.
        SinkError: a recording could not carry Content Credentials.
    """
    options = options.for_live()
    check_names(options)
    if options.remote is not None:
        known_machines(options.remote.address)
    address = options.source.address if options.source.address is not None else default_address()
    specs = options.sinks or default_sinks()
    spare_inputs(options, address, specs, options.run.report)
    request = source_request(address, options.source, options.sound)
    output = output_format(request, options.source.size, options.source.fps)
    marks = Marks(options.label.mode, options.label.language)
    sinks: dict[str, Sink] = {spec: make_sink(spec, output) for spec in specs}
    source_faces = agreed_source_faces(options.faces, options.swapper.name, uses_of(specs), ask)
    sign_files(sinks.values(), options.signing, marks.session_id)
    sound = SessionSound(options.sound, output.fps, can_ask=ask is not None)
    sound.lend(sinks.values())
    begins_with = InForce(options, None, marks, address, sound, sinks, SessionRemote(output.fps))
    session = LiveSession(begins_with, source_faces, output, on_tick)
    plan = LivePlan(
        source=live_source(request, loops=options.source.loops),
        prepare=session.prepare,
        sinks=tuple(sinks.values()),
        output=output,
        policy=options.policy,
        controls=session.controls,
        seconds=options.run.seconds,
        report_path=options.run.report,
        notes=notes_of(options, source_faces, marks),
        on_event=session.hear,
        on_tick=session.tick,
        sound=lambda: sound.report,
        remote=lambda: begins_with.remote.report,
        run_log=session_log("run", options, source_faces, marks, tuple(sink.description for sink in sinks.values())),
    )
    session.take(plan)
    return session


def notes_of(options: Options, source_faces: SourceFaces, marks: Marks) -> dict[str, str]:
    """Say what the report mentions of the options and of whose faces are used."""
    masks = ", ".join(f"{name}:{target}".removesuffix(":") for name, target in options.masks.methods)
    swapper = options.swapper.name if options.remote is None else options.remote.wishes.swapper
    notes = {"swapper": swapper, "colour": options.colour, "masks": masks}
    notes["consent"] = ", ".join(source_faces.consents)
    if options.remote is not None:
        notes["remote"] = options.remote.address
    if options.enhancer is not None:
        notes["enhancer"] = f"{options.enhancer.method}:{options.enhancer.target}".removesuffix(":")
    notes |= {"session": marks.session_id, "label": marks.mode.value}
    if marks.mode is LabelMode.OFF:
        _LOG.warning(LABEL_OFF_WARNING)
    if options.gate is not GateMode.FILES:
        notes["content gate"] = options.gate.value
    if options.gate is GateMode.OFF:
        _LOG.warning(GATE_OFF_WARNING)
    return notes


def file_work(options: Options, input_path: Path, output_path: Path, *, ask: Ask | None) -> FileWork:
    """Put together what swaps one file: a picture is searched for faces harder than a frame of a video.

    Raises:
        UsageError, PhotoError, ModelError: as `live_session` and its `prepare`.
        SinkError: the output could not carry Content Credentials.
    """
    from mien.pipeline.offline import is_picture

    check_names(options)
    check_carries(output_path)
    _spare([*photos_of(options.faces.faces), input_path], [output_path], options.run.report)
    marks = Marks(options.label.mode, options.label.language)
    signer = checked_signer(options.signing, marks.session_id)
    source_faces = open_source_faces(options.faces, options.swapper.name, ask)
    source_faces.allow(Scope.RECORDING)
    loaded = load(options, source_faces)
    making = Making(loaded, marks, str(input_path), is_still=is_picture(input_path), is_file=True)
    log = session_log("swap", options, source_faces, marks, (output_path.name,))
    notes = notes_of(options, source_faces, marks)
    return FileWork(_used(stages_of(making)), loaded.providers, notes, signer, log)


def clip_work(options: Options, *, ask: Ask | None) -> ClipWork:
    """Put together what `mien bench quality` measures: the stages of a video, without the marks.

    Raises:
        UsageError, PhotoError, ModelError: as `live_session` and its `prepare`.
    """
    check_names(options)
    source_faces = open_source_faces(options.faces, options.swapper.name, ask)
    loaded = load(options, source_faces)
    stages = _used(stages_of(Making(loaded, Marks(), _FILE, is_file=True)))
    unmarked = tuple(stage for stage in stages if not isinstance(stage, MarkingStage))
    return ClipWork(unmarked, loaded.sources[0], default_networks().landmarker)


def spare_inputs(options: Options, address: str, specs: Sequence[str], report: Path | None) -> None:
    """Refuse to write over a photo or over what is played, and a report that could not be written at the end.

    Raises:
        UsageError: an output is also an input.
        MienError: there is no such folder.
    """
    played = [local_path(address)] if is_played(address) else []
    check_differ(written_by(specs))
    _spare([*photos_of(options.faces.faces), *played], written_by(specs), report)


def _spare(read: Sequence[Path], written: Sequence[Path], report: Path | None) -> None:
    if report is not None and not report.parent.is_dir():
        path, folder = str(report), str(report.parent)
        raise MienError(f"The report {path!r} should go to a folder that is there; make {folder!r} first.")
    if report is not None and (report.is_file() or not report.exists()):
        check_writable(report)
    for output in written if report is None else (*written, report):
        check_spares(read, output)


def _used(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    return tuple(stage for stage in stages if not isinstance(stage, Unused))
