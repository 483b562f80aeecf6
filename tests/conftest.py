"""Rules for every test: no leftovers, no network, no silent errors, nothing of the user's own folders."""

import ipaddress
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, cast

import hypothesis
import numpy as np
import pytest

from mien_models.system.freed_memory import keep_freed_memory
from mien_models.types import BgrU8, Face

REQUIRED = frozenset(filter(None, os.environ.get("REQUIRE", "").split(",")))
"""Markers whose tests may not be skipped: `REQUIRE=gpu,camera`."""


# Processes that tests start run in Python's development mode: a segmentation fault names its line, and memory that is
# written where it should not be is seen. `scripts/check.py` runs the tests themselves so.
os.environ.update(PYTHONDEVMODE="1", PYTHONFAULTHANDLER="1")


# As the programs do for themselves: half of the time went into mapping the memory of pictures again and again.
keep_freed_memory()


# The same examples every time: all see what the last one saw. `HYPOTHESIS=explore` looks for new ones.
hypothesis.settings.register_profile("steady", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("explore", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS", "steady"))


_LONG: Final = ("test_nothing_leaves.py", "test_readme.py", "test_gpu_check.py", "cli", "browser", "session")
"""Files and folders whose tests run programs from end to end, those that take longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: a long file that begins last is waited for by one process alone."""
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: min((places.get(part, len(_LONG)) for part in item.path.parts), default=len(_LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a required test into a failure."""
    report = yield
    missing = REQUIRED & {mark.name for mark in item.iter_markers()}
    if report.skipped and missing and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE={','.join(sorted(missing))}, but it was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test empty data, config and state folders, and none of the caller's MIEN_ settings."""
    for name in [name for name in os.environ if name.startswith("MIEN_")]:
        monkeypatch.delenv(name)
    base = tmp_path_factory.mktemp("mien", numbered=True)
    for kind in ("DATA", "CONFIG", "STATE"):
        monkeypatch.setenv(f"MIEN_{kind}_DIR", str(base / kind.lower()))


@pytest.fixture(autouse=True)
def _same_random_numbers() -> Iterator[None]:
    """Start every test with the same random numbers and leave the generators as they were."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - libraries may use the old one
    random.seed(0)
    np.random.set_state(np.random.RandomState(0).get_state())  # noqa: NPY002
    yield
    random.setstate(state)
    np.random.set_state(numpy_state)  # noqa: NPY002


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind which would keep the program from ending."""
    before = set(threading.enumerate())
    yield
    deadline_s = time.monotonic() + 2
    while time.monotonic() < deadline_s and _left(before):
        time.sleep(0.01)
    assert not _left(before), "threads still run after the test"


def _left(before: set[threading.Thread]) -> list[str]:
    return [t.name for t in threading.enumerate() if t not in before and not t.daemon and t.is_alive()]


@pytest.fixture(autouse=True)
def _no_errors_logged(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which an error was logged, unless it is marked `logs_errors`."""
    yield
    if request.node.get_closest_marker("logs_errors"):
        return
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert not errors, "errors were logged"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection of Python code to another machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object, /) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(cast("tuple[object, ...]", address)[0])
            assert _is_here(host), f"a test reached for the network: {address}"
        connect(self, address)  # type: ignore[arg-type] # whatever the caller passed

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_here(host: str) -> bool:
    """Whether an address is this machine's own: what goes there leaves nothing."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    if address.is_loopback or address.version == 6:
        return address.is_loopback
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))  # only one's own can be bound
    except OSError:
        return False
    return not address.is_unspecified


@pytest.fixture
def portrait_png() -> Path:
    """Give the public-domain portrait that scikit-image carries: one face, 512 x 512."""
    from importlib.util import find_spec

    package = find_spec("skimage")
    assert package is not None
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0]) / "data" / "astronaut.png"


@pytest.fixture(scope="session")
def photo() -> BgrU8:
    """Give the astronaut of scikit-image, in the public domain; nobody writes into it."""
    from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo

    photo_bgr = read_source_photo(photo_address(str(public_domain_photo()))).photo_bgr
    photo_bgr.flags.writeable = False
    return photo_bgr


@pytest.fixture(scope="session")
def face(photo: BgrU8) -> Face:
    """Give the face in `photo`."""
    from mien.tracking.photo import find_faces

    return find_faces(photo)[0]
