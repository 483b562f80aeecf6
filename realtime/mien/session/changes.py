"""How a session's settings change while it runs: checked whole, made beside the run, put in between two frames."""

import dataclasses
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, cast

from mien.config.patch import PatchError
from mien.pipeline.events import SettingsApplied, SettingsRefused
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import SourceInfo
from mien.pipeline.live.runner import LiveRun
from mien.pipeline.sink_interfaces import Sink
from mien.session.ends import sign_files, source_request
from mien.session.loaded import Loaded, load
from mien.session.options import Options
from mien.session.remote import SessionRemote
from mien.session.session import Applied, Refused, SettingsPatch
from mien.session.sound import SessionSound
from mien.session.source_faces import SourceFaces, open_source_faces
from mien.session.stages import Making, changed_stages, check_names
from mien.sinks.registry import default_sinks, make_sink, shown_spec, uses_of
from mien.sources.registry import default_address, live_source
from mien.stages.marks import Marks
from mien_models.errors import MienError
from mien_models.system.freed_memory import give_back_freed_memory, keep_what_is_loaded

_LOG = logging.getLogger(__name__)
_CAMERA_S: Final = 20.0
_LOOK_S: Final = 0.02
_WAITING: Final = 64
"""Patches that may wait; whoever asks faster than they can be made is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """What a session works with at the moment."""

    options: Options
    making: Making | None
    """What the stages are made of; None until the first are ready."""
    marks: Marks
    address: str
    """Where frames come from."""
    sound: SessionSound
    """The microphone, and what records with it."""
    sinks: Mapping[str, Sink]
    """By what was written after `--sink`."""
    remote: SessionRemote
    """The machine that swaps, where another one does."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    patch: SettingsPatch
    answer: "Future[Applied | Refused]"


class Changes:
    """Takes patches one after another in a thread of its own. Has state: what is in force, and its revision.

    A patch is checked whole, then what it needs is made beside the run: source faces with their consent, stages,
    sinks. Only when all of it is there, it is put in, the stages between the same two frames. Whatever fails before
    that leaves everything as it was.
    """

    def __init__(self, in_force: InForce, run: LiveRun, output: OutputFormat) -> None:
        self._in_force, self._run, self._output = in_force, run, output
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._is_ready = threading.Event()
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="mien-changes", daemon=True)
        self.revision: int = 0
        self.pending: tuple[str, ...] = ()
        """The settings that are being changed right now."""

    @property
    def in_force(self) -> InForce:
        """What the session works with; replaced as a whole."""
        return self._in_force

    def start(self) -> None:
        """Begin to take patches; the first waits until the stages are ready."""
        keep_what_is_loaded()
        self._thread.start()

    def begin(self, making: Making) -> None:
        """Know what the first stages were made of."""
        self._in_force = dataclasses.replace(self._in_force, making=making)
        self._is_ready.set()

    def ask(self, patch: SettingsPatch) -> "Future[Applied | Refused]":
        """Ask for other settings; any thread may."""
        answer: Future[Applied | Refused] = Future()
        with self._lock:
            if self._is_closed.is_set():
                answer.set_result(self._refused({"settings": "The session has ended."}))
            elif self._asked.qsize() >= _WAITING:
                answer.set_result(self._refused({"settings": "Too many changes wait already; ask again in a moment."}))
            else:
                self._asked.put(_Asked(patch, answer))
        return answer

    def close(self) -> None:
        """Refuse what waits and end; waits for a change that is under way."""
        with self._lock:
            self._is_closed.set()
            self._asked.put(None)
        self._is_ready.set()
        if self._thread.ident is not None:
            self._thread.join(_CAMERA_S)
        while not self._asked.empty():
            asked = self._asked.get()
            if asked is not None:
                asked.answer.set_result(self._refused({"settings": "The session has ended."}))

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._wait_until_ready()
            answer: Applied | Refused
            try:
                answer = self._applied(asked.patch)
            except PatchError as error:
                answer = self._refused(error.reasons)
            except MienError as error:
                answer = self._refused(dict.fromkeys(asked.patch.values, str(error)))
            except Exception as error:  # noqa: BLE001 - the edge of a thread: a change may fail, the run goes on
                _LOG.debug("a change failed", exc_info=True)
                answer = self._refused(dict.fromkeys(asked.patch.values, f"It could not be changed: {error!r}."))
            self.pending = ()
            if isinstance(answer, Refused):
                self._run.tell(SettingsRefused(tuple(answer.reasons.items())))
            asked.answer.set_result(answer)
            if isinstance(answer, Applied) and answer.changed:
                give_back_freed_memory()

    def _wait_until_ready(self) -> None:
        """Wait for the first stages, and for the run to work with them."""
        self._is_ready.wait()
        while not (self._run.is_ready or self._is_closed.wait(_LOOK_S)):
            pass

    def _refused(self, reasons: Mapping[str, str]) -> Refused:
        return Refused(self.revision, dict(reasons))

    def _applied(self, patch: SettingsPatch) -> Applied:
        before = self._in_force
        if self._is_closed.is_set() or before.making is None:
            raise MienError("The session has ended.")
        if patch.revision is not None and patch.revision != self.revision:
            raise MienError(
                f"The settings have changed meanwhile (revision {self.revision}, you saw {patch.revision}); look again."
            )
        options = before.options.patched(_with_keys(patch.values, before)).for_live()
        changed = options.changed_from(before.options)
        if not changed:
            return Applied(self.revision, ())
        self.pending = changed
        self._in_force = now = self._put_in(before, before.making, options)
        self.revision += 1
        faces = before.making.loaded.source_faces if now.making is None else now.making.loaded.source_faces
        self._run.tell(SettingsApplied(self.revision, changed, faces.names, faces.consents, now.options.swapper.name))
        return Applied(self.revision, changed)

    def _put_in(self, before: InForce, was: Making, options: Options) -> InForce:
        """Make what the options ask for and put it in.

        Raises:
            MienError: something of it is not possible; nothing was changed.
        """
        check_names(options)
        address = _address_of(options, before)
        specs = _specs_of(options, before)
        loaded = load(options, self._source_faces(options, was.loaded), was.loaded)
        for use in uses_of(specs):
            loaded.source_faces.allow(use)
        marks = before.marks
        if options.label != before.options.label:
            marks = Marks(options.label.mode, options.label.language, int(marks.session_id, 16))
            marks.prepare(self._output.width, self._output.height)
        making = Making(loaded, marks, address, remote=before.remote)
        stages = changed_stages(was, making)
        added = self._opened_sinks(before, specs, options)
        try:
            if address == before.address:
                self._run.replace(stages, options.policy)
            else:
                self._change_camera(options, address, lambda: self._run.replace(stages, options.policy))
        except BaseException:
            for sink in added.values():
                self._run.remove_sink(sink)
            raise
        if loaded.source_faces is not was.loaded.source_faces:
            self._run.output.freeze(on=False)
        kept = {spec: sink for spec, sink in before.sinks.items() if spec in specs}
        for spec in before.sinks.keys() - kept.keys():
            self._run.remove_sink(before.sinks[spec])
        sinks = {**kept, **added}
        before.sound.change(options.sound)
        before.remote.keep_only(options.remote)
        return InForce(options, making, marks, address, before.sound, sinks, before.remote)

    def _source_faces(self, options: Options, loaded: Loaded) -> SourceFaces:
        """Open other faces, with their consent; the same ones are not opened again, nobody could be asked now."""
        before = loaded.options
        is_same = (options.faces.faces, options.faces.consent, options.faces.assign, options.swapper.name) == (
            before.faces.faces,
            before.faces.consent,
            before.faces.assign,
            before.swapper.name,
        )
        return loaded.source_faces if is_same else open_source_faces(options.faces, options.swapper.name, None)

    def _opened_sinks(self, before: InForce, specs: tuple[str, ...], options: Options) -> dict[str, Sink]:
        """Open the sinks that are new; when one does not open, none of them stays."""
        made = {spec: make_sink(spec, self._output) for spec in specs if spec not in before.sinks}
        sign_files(made.values(), options.signing, before.marks.session_id)
        before.sound.prepare(options.sound)
        before.sound.lend(made.values())
        opened: dict[str, Sink] = {}
        try:
            for spec, sink in made.items():
                self._run.add_sink(sink)
                opened[spec] = sink
        except MienError:
            for sink in opened.values():
                self._run.remove_sink(sink)
            raise
        return opened

    def _change_camera(self, options: Options, address: str, put_in: Callable[[], None]) -> SourceInfo:
        request = source_request(address, options.source, options.sound)
        source = live_source(request, loops=options.source.loops)
        return self._run.change_source(source, put_in).result(_CAMERA_S)


def _address_of(options: Options, before: InForce) -> str:
    if options.source.address == before.options.source.address:
        return before.address
    return options.source.address if options.source.address is not None else default_address()


def _with_keys(values: Mapping[str, object], before: InForce) -> dict[str, object]:
    """Know an output again that is named without its key, as the status names it."""
    known = {shown_spec(spec): spec for spec in before.sinks}
    asked = values.get("sinks")
    if not isinstance(asked, list | tuple):
        return dict(values)
    specs = cast("list[object] | tuple[object, ...]", asked)
    return {**values, "sinks": [known.get(spec, spec) if isinstance(spec, str) else spec for spec in specs]}


def _specs_of(options: Options, before: InForce) -> tuple[str, ...]:
    if options.sinks == before.options.sinks:
        return tuple(before.sinks)
    return options.sinks or default_sinks()
