"""An error that is kept until the run has ended keeps no picture."""

import dataclasses
import threading
import weakref

import numpy as np
from tests.realtime.pipeline.live.live_rig import OUTPUT, MemorySink, ScriptedSource, a_plan, background, paced_now

from mien.pipeline.frame import Frame, Outgoing, OutputFrame, State
from mien.pipeline.live.capture import Capture
from mien.pipeline.live.runner import run_live
from mien.pipeline.live.sink_workers import SinkWorker
from mien.provenance.release import SwappedPicture
from mien_models.errors import SinkError, SourceError
from mien_models.system.crash.edge import kept
from mien_models.types import BgrU8


def failing(picture: BgrU8) -> None:
    """Fail with a cause and a context of its own, all of which have the picture in a variable."""
    try:
        try:
            raise OSError(f"{picture.shape}")
        except OSError:
            int("the handler fails too")
    except ValueError as error:
        raise SinkError("The output failed.") from error


def test_neither_the_error_nor_what_led_to_it_holds_a_picture() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    alive, found = weakref.ref(picture), SinkError("none yet")
    try:
        failing(picture)
    except SinkError as error:
        found = kept(error)
    del picture
    assert alive() is None
    assert str(found) == "The output failed."
    assert isinstance(found.__cause__, ValueError), "what led to it is still told"


def test_a_circle_of_errors_is_let_go_of_too() -> None:
    one, other = SinkError("one"), SinkError("other")
    one.__context__, other.__context__ = other, one
    assert kept(one) is one


def test_a_sink_that_has_failed_does_not_keep_the_frame_on_which_it_did() -> None:
    class Broken(MemorySink):
        def write(self, frame: OutputFrame) -> None:
            try:
                raise OSError(28, "No space left on device")
            except OSError as error:
                raise SinkError(f"Cannot write the frame of {frame.captured_ns}.") from error

    worker = SinkWorker(Broken(), lambda _text: None)
    image = np.zeros((OUTPUT.height, OUTPUT.width, 3), np.uint8)
    alive = weakref.ref(image)
    released = background(SwappedPicture(image), 0)
    worker.mailbox.put(Outgoing(OutputFrame(released, 0, 0, State.LIVE), 0))
    del image, released
    writing = threading.Thread(target=worker.run)
    writing.start()
    writing.join(5)
    assert isinstance(worker.error, SinkError)
    assert alive() is None


def test_a_source_that_has_failed_does_not_keep_its_last_frame() -> None:
    frame = Frame(np.zeros((OUTPUT.height, OUTPUT.width, 3), np.uint8), 0, 0)
    alive = weakref.ref(frame.image)

    class Source(ScriptedSource):
        def read(self, timeout_s: float) -> Frame | None:  # noqa: ARG002 - a source
            held = taken.pop()
            raise SourceError(f"The camera was pulled at frame {held.index}.")

    taken = [frame]
    del frame
    capture = Capture(
        Source([]), give=lambda _: None, on_outage=lambda _: None, on_return=lambda: None, on_open=lambda _: None
    )
    capture.start()
    capture.allow_files()
    assert capture.stop(5)
    assert isinstance(capture.error, SourceError)
    assert alive() is None


def test_a_run_goes_on_after_a_sink_failed_and_holds_none_of_its_frames() -> None:
    alive: list[weakref.ref[BgrU8]] = []

    class Broken(MemorySink):
        def write(self, frame: OutputFrame) -> None:
            if frame.state is State.LIVE:
                alive.append(weakref.ref(frame.image))
                raise SinkError("It broke.")

    left: list[int] = []
    good = MemorySink()

    def look() -> None:
        good.frames.clear()
        left.append(sum(one() is not None for one in alive))

    run_live(dataclasses.replace(a_plan(paced_now(60), Broken("broken"), good), on_tick=look))
    assert alive
    assert left[-1] == 0
