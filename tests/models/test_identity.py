"""Networks that several threads need run for one at a time, and are loaded once."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.onnx_networks import arcface_network, crossface_network
from tests.stored_models import Shelf

from mien_models.interfaces import Session
from mien_models.networks.embedding import Identities
from mien_models.runtimes.ort.providers import Run
from mien_models.runtimes.ort.select import Served, Trial, serve
from mien_models.specs.network import IdentitySpec
from mien_models.specs.stored import StoredModel
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, FaceView, as_u8


class Meeting:
    """Waits for a second thread; says whether one came, and never waits again after that."""

    def __init__(self) -> None:
        self.happened = False
        self._barrier = threading.Barrier(2, timeout=0.5)

    def __call__(self) -> None:
        try:
            self._barrier.wait()
            self.happened = True
        except threading.BrokenBarrierError:
            return


class Watched:
    """A session in which two threads would meet, if they were let."""

    provider = "cpu"

    def __init__(self, session: Session, meet: Meeting) -> None:
        self._session, self._meet = session, meet

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        return self._session.input_shapes

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        answers = self._session.run(feeds)
        self._meet()
        return answers


@pytest.fixture
def store(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "models")
    made.put("arcface_w600k_r50", arcface_network(tmp_path / "w600k_r50.onnx"))
    made.put("converter", crossface_network(tmp_path / "converter.onnx"))
    return made


@pytest.fixture
def views(photo: BgrU8, face: Face) -> Sequence[FaceView]:
    """Give two that differ."""
    return FaceView(photo, face), FaceView(as_u8(np.ascontiguousarray(photo[::-1])), face)


def in_two_threads(work: Callable[[int], object]) -> list[object]:
    found: list[object] = [None, None]

    def do(place: int) -> None:
        found[place] = work(place)

    threads = [threading.Thread(target=do, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return found


CONVERTED: Final = IdentitySpec("vector", network="arcface_w600k_r50", converter="converter")


def vectors_of(identities: Identities, views: Sequence[FaceView], store: Shelf) -> Callable[[int], object]:
    """Give what makes one view's vector, converted."""
    swapper = store.find("converter")  # only its name is asked for
    return lambda place: identities.vector([views[place]], CONVERTED, swapper)


def test_a_converter_runs_for_one_thread_at_a_time(store: Shelf, views: Sequence[FaceView]) -> None:
    networks, meet = Networks(store), Meeting()
    plain = Identities(store, networks.session)
    alone = [vectors_of(plain, views, store)(place) for place in range(2)]

    def opened(stored: StoredModel) -> Session:
        session = networks.session(stored)
        return Watched(session, meet) if stored.manifest.name == "converter" else session

    found = in_two_threads(vectors_of(Identities(store, opened), views, store))
    assert not meet.happened, "two threads ran one session, whose answers lie in one place"
    np.testing.assert_array_equal(np.array(found), np.array(alone))


def test_a_recogniser_runs_for_one_thread_at_a_time(store: Shelf, views: Sequence[FaceView]) -> None:
    networks, meet = Networks(store), Meeting()
    identities = Identities(store, lambda stored: Watched(networks.session(stored), meet))
    in_two_threads(lambda place: identities.embedding([views[place]], "arcface_w600k_r50"))
    assert not meet.happened


def test_a_network_that_two_threads_ask_for_is_loaded_once(store: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    networks, meet, loaded = Networks(store), Meeting(), list[str]()

    def slowly(trial: Trial, runs: Sequence[Run]) -> Served:
        loaded.append(trial.name)
        meet()
        return serve(trial, runs)

    monkeypatch.setattr("mien_models.swappers._loader.serve", slowly)
    first, second = in_two_threads(lambda _: networks.session(store.find("converter")))
    assert loaded == ["converter"]
    assert first is second


def test_identities_open_a_network_once_for_two_threads(store: Shelf, views: Sequence[FaceView]) -> None:
    networks, meet, opened = Networks(store), Meeting(), list[str]()

    def slowly(stored: StoredModel) -> Session:
        opened.append(stored.manifest.name)
        if stored.manifest.name == "converter":
            meet()
        return networks.session(stored)

    identities = Identities(store, slowly)
    in_two_threads(vectors_of(identities, views, store))
    assert sorted(opened) == ["arcface_w600k_r50", "converter"]
