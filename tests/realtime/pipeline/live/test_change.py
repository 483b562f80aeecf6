"""What is worn is changed while a run lasts: no frame is lost, and no real face is seen."""

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from tests.onnx_networks import arcface_network, inswapper_network
from tests.realtime.pipeline.live.live_rig import MemorySink, a_plan, fake_stages, no_thread_is_left, paced_now
from tests.stored_models import Shelf

from mien.config.settings import Settings, load_settings
from mien.config.watch import SettingsWatch
from mien.consent.permits import Permits
from mien.consent.terms import ConsentError
from mien.pipeline.events import EventKind, LiveEvent
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import OutputFormat, Stage
from mien.pipeline.live.plan import Prepared
from mien.pipeline.live.runner import run_live
from mien.provenance.marks import Marks
from mien.session.build import prepared
from mien.session.live_changes import LiveChanges, SourceFacesInUse, check_swapper, make_swapper, user_networks
from mien.session.source_faces import open_source_faces
from mien.stages.composite import CompositeStage
from mien.stages.swap import SwapStage
from mien.tracking.looking import Look
from mien.tracking.photo import find_faces
from mien_models.errors import MienError, UnknownPluginError, UsageError
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, FaceView, SourceFace, as_f32, as_u8

ASTRONAUT = Path(skimage.__file__).parent / "data" / "astronaut.png"


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    return as_u8(np.asarray(cv2.imdecode(np.fromfile(ASTRONAUT, np.uint8), cv2.IMREAD_COLOR)))


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    store = Shelf(tmp_path / "data" / "models")
    store.put("arcface_w600k_r50", arcface_network(tmp_path / "w600k.onnx"))
    store.put("tiny", inswapper_network(tmp_path / "tiny.onnx"))
    return store


def live_changes(
    settings: Settings, photo: BgrU8, face: Face, watch: SettingsWatch | None = None
) -> tuple[LiveChanges, SwapStage]:
    networks = user_networks(settings)
    stage = SwapStage([make_swapper(settings, SourceFace.of(photo, face), networks)])
    in_use = SourceFacesInUse(stage, Permits(()), open_source_faces(settings, None))
    return LiveChanges(settings, in_use, networks, watch), stage


def crop(stage: SwapStage, photo: BgrU8, face: Face) -> BgrU8:
    return stage(Frame(photo, 0, 0, (face,), (face,), (0,))).swapped[0].crop_bgr


def source_face(**more: object) -> Settings:
    return load_settings({"face": [str(ASTRONAUT)], "consent": "public-domain", **more})


def test_another_swapper_is_worn_when_it_is_wanted(models: Shelf, photo: BgrU8, face: Face) -> None:
    change, stage = live_changes(source_face(), photo, face)
    before = crop(stage, photo, face)
    assert change.renew() is None
    change.want({"swapper": "tiny"})
    said = change.renew()
    assert said is not None
    assert "tiny" in said
    assert crop(stage, photo, face).shape == (128, 128, 3)
    change.want({"swapper": "mesh"})
    change.renew()
    assert crop(stage, photo, face).shape == before.shape


def test_what_does_not_work_changes_nothing(models: Shelf, photo: BgrU8, face: Face, tmp_path: Path) -> None:
    change, stage = live_changes(source_face(), photo, face)
    before = crop(stage, photo, face)
    for wanted in ({"swapper": "tinny"}, {"face": (str(tmp_path / "nobody.jpg"),)}, {"swapper": "arcface_w600k_r50"}):
        change.want(wanted)
        with pytest.raises(MienError):
            change.renew()
        assert change.renew() is None, "what failed is not tried again and again"
    assert np.array_equal(crop(stage, photo, face), before)


def test_a_new_face_needs_somebodys_right_to_it(models: Shelf, photo: BgrU8, face: Face, tmp_path: Path) -> None:
    change, _ = live_changes(load_settings({}), photo, face)
    other = tmp_path / "other.png"
    cv2.imwrite(str(other), photo[:, ::-1])
    change.want({"face": (str(other),)})
    with pytest.raises(UsageError, match="--consent"):
        change.renew()
    change.want({"face": (str(other),), "consent": "self"})
    change.renew()


def test_the_settings_file_is_taken_on_when_it_is_written(
    models: Shelf, photo: BgrU8, face: Face, tmp_path: Path
) -> None:
    flags = {"face": [str(ASTRONAUT)], "consent": "public-domain"}
    file = tmp_path / "mien.toml"
    file.write_text('swapper = "mesh"\n')
    settings = load_settings(flags)
    change, stage = live_changes(settings, photo, face, SettingsWatch(flags))
    assert change.renew() is None
    file.write_text('swapper = "tiny"\ncolour = "reinhard"\n')
    os.utime(file, ns=(1, 1))
    said = change.renew()
    assert said is not None
    assert crop(stage, photo, face).shape == (128, 128, 3)
    file.write_text("swapper = 3\n")
    os.utime(file, ns=(2, 2))
    with pytest.raises(UsageError):
        change.renew()
    assert crop(stage, photo, face).shape == (128, 128, 3)


WIDTH, HEIGHT = 320, 180


def a_run_that_follows_the_file(text: str, tmp_path: Path) -> tuple[Prepared, Callable[[str], str | None]]:
    """Prepare a run by a settings file; give it, and what writes the file anew and lets the run take it on."""
    file, writes = tmp_path / "mien.toml", iter(range(1, 99))

    def write(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        at = next(writes)
        os.utime(file, ns=(at, at))

    write(text)
    settings = load_settings({})
    made = prepared(
        settings,
        open_source_faces(settings, None),
        Marks(),
        OutputFormat(WIDTH, HEIGHT, Fraction(30)),
        SettingsWatch({}),
    )

    def change(text: str) -> str | None:
        write(text)
        return made.renew()

    return made, change


def checked(stages: Sequence[Stage], photo: BgrU8, face: Face) -> bool:
    """Show a stranger to a run for a while; say whether it minds."""
    stage = next(stage for stage in stages if stage.name == "self-check")
    try:
        for index in range(200):
            stage(Frame(photo, index, index * 100_000_000, (face,), (face,), (0,)))
            for thread in threading.enumerate():
                if thread.name == "mien-look":
                    thread.join(5)
    except ConsentError:
        return True
    return False


def test_the_check_of_one_s_own_face_comes_and_goes_with_the_face(
    models: Shelf, photo: BgrU8, face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlike(_settings: Settings, networks: Networks) -> Look:
        own = networks.identities.embedding([FaceView(photo, face)], "arcface_w600k_r50")
        away = as_f32(np.roll(own, 1))
        away -= own * (own @ away) / (own @ own)
        return lambda _image, _face: as_f32(away / np.linalg.norm(away))

    monkeypatch.setattr("mien.session.recognition.fitter", unlike)
    own, granted = tmp_path / "me.png", tmp_path / "granted.png"
    cv2.imwrite(str(own), photo)
    cv2.imwrite(str(granted), np.ascontiguousarray(photo[:, ::-1]))
    as_own = f"face = [{str(own)!r}]\nconsent = 'self'\n"
    as_granted = f"face = [{str(granted)!r}]\nconsent = 'granted'\n"
    run, change = a_run_that_follows_the_file(as_granted, tmp_path)
    assert not checked(run.stages, photo, face), "nobody said that it is the wearer's own"
    assert change(as_own) is not None
    assert checked(run.stages, photo, face)
    assert change(as_granted) is not None
    assert not checked(run.stages, photo, face), "what was found about the face before says nothing of this one"
    assert change(as_own) is not None
    assert checked(run.stages, photo, face), "and it is looked anew"


def test_a_check_that_has_ended_well_is_not_begun_again_by_a_change_of_the_strength(
    models: Shelf, photo: BgrU8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "me.png"
    cv2.imwrite(str(own), photo)
    _, change = a_run_that_follows_the_file(f"face = [{str(own)!r}]\nconsent = 'self'\n", tmp_path)

    def begun_again(*_: object) -> None:
        pytest.fail("it was begun again")

    monkeypatch.setattr("mien.session.live_changes.self_check", begun_again)
    assert change(f"face = [{str(own)!r}]\nconsent = 'self'\nstrength = 0.5\n") is not None


def test_a_swapper_that_is_nowhere_names_those_that_are(models: Shelf) -> None:
    check_swapper("mesh")
    check_swapper("tiny")
    with pytest.raises(UnknownPluginError, match=r"mesh.*tiny"):
        check_swapper("tinny")


def test_a_run_goes_on_while_a_change_is_made_and_says_what_happened() -> None:
    begun, may_end = threading.Event(), threading.Event()
    answers = iter([None, "Worn from now on: other.jpg."])

    def renew() -> str | None:
        answer = next(answers, None)
        if answer is not None:
            begun.set()
            assert may_end.wait(5)
        return answer

    events: list[LiveEvent] = []
    sink = MemorySink()
    plan = dataclasses.replace(
        a_plan(paced_now(200), sink),
        prepare=lambda: Prepared(fake_stages(), renew=renew),
        on_event=events.append,
    )
    written: list[int] = []

    def watch() -> None:
        assert begun.wait(10)
        before = len(sink.frames)
        time.sleep(0.4)
        written.append(len(sink.frames) - before)
        may_end.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    report = run_live(plan)
    watcher.join()
    assert written[0] >= 5, "frames went out while the change was made"
    assert report.frames_hidden <= 2
    assert "Worn from now on: other.jpg." in [event.text for event in events if event.kind is EventKind.CHANGE]
    assert no_thread_is_left()


def test_a_change_that_fails_is_said_and_the_run_goes_on() -> None:
    calls: list[int] = []

    def renew() -> str | None:
        calls.append(1)
        if len(calls) == 1:
            raise UsageError("No swapper is called 'x'.")
        return None

    events: list[LiveEvent] = []
    plan = dataclasses.replace(
        a_plan(paced_now(150), MemorySink()),
        prepare=lambda: Prepared(fake_stages(), renew=renew),
        on_event=events.append,
    )
    report = run_live(plan)
    assert report.frames_swapped > 100
    assert "Not changed: No swapper is called 'x'." in [event.text for event in events]


def test_no_frame_between_two_swappers_shows_the_real_face(models: Shelf, photo: BgrU8, face: Face) -> None:
    change, stage = live_changes(source_face(), photo, face)
    compose = CompositeStage()
    covered: list[float] = []
    is_over = threading.Event()

    def keep_changing() -> None:
        for name in ("tiny", "mesh") * 2:
            change.want({"swapper": name})
            change.renew()
        is_over.set()

    changing = threading.Thread(target=keep_changing)
    changing.start()
    index = 0
    while not is_over.is_set():
        packet = compose(stage(Frame(photo, index, index * 33_000_000, (face,), (face,), (0,))))
        assert packet.composed is not None
        assert len(packet.swapped) == 1
        covered.append(float((packet.swapped[0].alpha > 127).mean()))
        index += 1
    changing.join()
    assert min(covered) > 0.2
