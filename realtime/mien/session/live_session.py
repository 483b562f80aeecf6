"""The running session: what everything that steers the program talks to."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeAlias

from mien.media.letterbox import scaled, square_around
from mien.pipeline.events import Event, RecordingSplit, Subscribers
from mien.pipeline.frame import Frame, OutputFormat
from mien.pipeline.live.controls import Controls
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import LiveRun
from mien.pipeline.report import Report
from mien.pipeline.sink_interfaces import Splittable
from mien.session.changes import Changes, InForce
from mien.session.loaded import load
from mien.session.session import (
    Applied,
    FaceInSight,
    Preview,
    Refused,
    SessionStatus,
    SettingsPatch,
    Subscription,
)
from mien.session.source_faces import SourceFaces
from mien.session.stages import Making, stages_of
from mien.sinks.registry import have_camera, shown_spec

_LOG = logging.getLogger(__name__)
_ROOM: Final = 1.7
"""Side of a thumbnail in widths of the face: hair and chin belong to what somebody is known by."""
Ticker: TypeAlias = Callable[["LiveSession"], None]


class LiveSession:
    """A `Session` of this process. Has state: the run, and the settings that are in force.

    Made by `mien.session.build.live_session`; `run` keeps the main thread until the session ends, everything else may
    be called from any thread.
    """

    def __init__(
        self, begins_with: InForce, source_faces: SourceFaces, output: OutputFormat, on_tick: Ticker | None
    ) -> None:
        """Take what is in force at first, the faces that were opened for it, and what every sink gets."""
        self._begins_with, self._source_faces, self._output, self._on_tick = begins_with, source_faces, output, on_tick
        self._began_s = time.monotonic()
        self._run: LiveRun | None = None
        self._changes: Changes | None = None
        self._subscribers = Subscribers()
        self._sound = begins_with.sound
        self.controls = Controls(lambda on: self._sound.hush(is_private=on))

    def take(self, plan: LivePlan) -> None:
        """Know what is run; once, before `run`."""
        self._run = LiveRun(plan)
        self._changes = Changes(self._begins_with, self._run, self._output)

    def run(self) -> Report:
        """Run until something ends it, as `run_live`.

        Raises:
            MienError: why the session could not begin or go on; the report is written all the same.
            KeyboardInterrupt: the second Ctrl-C.
        """
        run, changes = self._running()
        changes.start()
        self._sound.start(run.tell)
        self._begins_with.remote.start(run.tell)
        try:
            return run.run()
        finally:
            self._sound.close()
            changes.close()
            self._begins_with.remote.close()
            self._subscribers.close()

    def prepare(self) -> Prepared:
        """Load networks and faces and make the first stages; the run calls it in a thread of its own.

        Raises:
            PhotoError: a photo shows no usable face.
            ModelError: a network does not run.
        """
        options, marks = self._begins_with.options, self._begins_with.marks
        loaded = load(options, self._source_faces)
        making = Making(loaded, marks, self._begins_with.address, remote=self._begins_with.remote)
        stages = stages_of(making)
        marks.prepare(self._output.width, self._output.height)
        networks = ", ".join(f"{network} on {provider}" for network, provider in loaded.providers.items())
        _LOG.info("Swapper: %s, colour: %s, networks: %s.", options.swapper.name, options.colour, networks)
        self._running()[1].begin(making)
        return Prepared(stages, loaded.providers)

    def hear(self, event: Event) -> None:
        """Pass an event of the run on to whoever listens."""
        self._subscribers.hear(event)

    def tick(self) -> None:
        """Let the watcher look, about four times a second."""
        run, changes = self._running()
        self._sound.pictures_are(run.recent_age_ms, are_in_a_camera=have_camera(changes.in_force.sinks))
        if self._on_tick is not None:
            self._on_tick(self)

    def status(self) -> SessionStatus:
        """Say how the session is."""
        run, changes = self._running()
        in_force = changes.in_force
        making = in_force.making
        source_faces = self._source_faces if making is None else making.loaded.source_faces
        return SessionStatus(
            session_id=in_force.marks.session_id,
            run=run.snapshot(),
            settings={**in_force.options.as_json(), "sinks": list(map(shown_spec, in_force.options.sinks))},
            revision=changes.revision,
            pending=changes.pending,
            faces=source_faces.names,
            networks={} if making is None else dict(making.loaded.providers),
            sound=self._sound.status,
            is_private=self.controls.is_private,
            uptime_s=round(time.monotonic() - self._began_s, 1),
            camera=in_force.address,
            remote=in_force.remote.report,
            outputs={shown_spec(spec): sink.description for spec, sink in in_force.sinks.items()},
            sync_offset_ms=self._sound.offset_ms,
        )

    def apply(self, patch: SettingsPatch) -> "Future[Applied | Refused]":
        """Change settings: all of the patch between two frames, or nothing."""
        return self._running()[1].ask(patch)

    def set_privacy(self, *, on: bool) -> None:
        """Hide the picture, which is hidden before this returns, or show it again."""
        self.controls.set_privacy(on=on)

    def reveal(self) -> bool:
        """Show the camera as it is for three seconds; False where that may not be now."""
        return self.controls.reveal()

    def freeze(self, *, on: bool) -> bool:
        """Hold the last swapped picture, or go on; say whether it is held now."""
        return self._running()[0].output.freeze(on=on)

    def split_recordings(self) -> tuple[str, ...]:
        """Let every recording go on in another file.

        Raises:
            SinkError: one of them has ended.
        """
        run, changes = self._running()
        found: list[str] = []
        for sink in changes.in_force.sinks.values():
            if isinstance(sink, Splittable):
                found.append(str(sink.split()))
                run.tell(RecordingSplit(sink.description, found[-1]))
        return tuple(found)

    def stop(self) -> None:
        """End the session cleanly."""
        self.controls.stop()

    def subscribe(self) -> Subscription:
        """Hear what happens from now on."""
        return self._subscribers.add()

    def preview(self, width: int) -> Preview | None:
        """Give the newest picture as sent, `width` pixels wide at most."""
        frame = None if self._run is None else self._run.output.newest
        if frame is None:
            return None
        return Preview(scaled(frame.image, width), frame.index, frame.captured_ns, frame.state)

    def camera_picture(self, width: int) -> Preview | None:
        """Give the newest frame as the camera gave it, for the person at this machine only."""
        output = self._running()[0].output
        frame, shown = output.newest_frame, output.newest
        if frame is None or shown is None:
            return None
        return Preview(scaled(frame.image, width), frame.index, frame.captured_ns, shown.state)

    def faces_in_sight(self, side_px: int) -> tuple[FaceInSight, ...]:
        """Give the faces of the newest frame from left to right, for the person at this machine only."""
        frame = self._running()[0].output.newest_frame
        return () if frame is None else faces_of(frame, side_px)

    def _running(self) -> tuple[LiveRun, Changes]:
        if self._run is None or self._changes is None:
            raise RuntimeError("the session has no plan yet")
        return self._run, self._changes


def faces_of(frame: Frame, side_px: int) -> tuple[FaceInSight, ...]:
    """Cut out every face of a frame, from left to right, as squares of `side_px` pixels."""
    roles = {face.id: role for face, role in zip(frame.chosen, frame.roles, strict=True)}
    from_left = sorted(frame.faces, key=lambda face: float(face.box_xyxy[0]))
    return tuple(
        FaceInSight(face.id, roles.get(face.id), square_around(frame.image, face.box_xyxy, side_px, room=_ROOM))
        for face in from_left
    )
