"""The first minute: a camera, a face, yourself with it, and out into the world."""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import ui
from pydantic import JsonValue

from mien.config.choices import ConsentKind
from mien.consent.terms import Scope
from mien.panel import kit
from mien.panel.devices import CameraTile
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.pages.pieces import add_output
from mien.panel.photos import Understood
from mien.panel.status import StatusView
from mien_models.errors import MienError


def start_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(
        say("Your new face, in four steps"),
        say("Nothing leaves this computer, and your own face is never shown by accident."),
    )
    with kit.box("steps"):
        with kit.box("steps-left"):
            with _step(1, say("Click the right camera")):
                _CameraStep(frame)
            with _step(2, say("Drop a photo of a face")):
                _FaceStep(frame)
        with kit.box("steps-right"):
            with _step(3, say("See yourself")):
                _SeeStep(frame)
            with _step(4, say("Go live")):
                _GoLiveStep(frame)


def _step(number: int, text: str) -> ui.element:
    box = kit.box("card step", "section", aria_label=text)
    with box, kit.box("step-head"):
        kit.words(str(number), "step-number", "span")
        kit.words(text, tag="h2")
    return box


class _CameraStep:
    """The cameras by their pictures. Has state: which were found."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("cameras")
        self._advice = pieces.Grid("advice")
        self._tiles: list[tuple[CameraTile, ui.element]] = []
        kit.button(frame.words("Look again"), self._again, "btn-small", "again")
        frame.follow(self._look)
        ui.timer(0, self._fill, once=True)

    async def _again(self) -> None:
        self._grid.is_new(["again"])
        await self._fill(anew=True)

    async def _fill(self, *, anew: bool = False) -> None:
        tiles = await self._frame.panel.cameras.tiles()
        if self._grid.is_new([*tiles, anew]):
            with self._grid.box:
                self._tiles = [(tile, self._tile(tile, anew=anew)) for tile in tiles]
        await self._advise()

    def _tile(self, tile: CameraTile, *, anew: bool) -> ui.element:
        say = self._frame.words
        name = tile.name or say("A drawn face, for trying")
        button = kit.box("camera", "button", type="button", aria_pressed="false")
        kit.put(button, data_camera=tile.key)
        button.on("click", self._choose(tile), args=[])
        with button:
            with kit.box("camera-picture", "span"):
                source = f"/camera/{tile.key}.jpg{'?anew=1' if anew else ''}"
                kit.box("", "img", src=source, alt="", data_shot="", loading="lazy")
                kit.words("", "camera-fault", "span")
            kit.words(name, "camera-name", "span")
            if tile.is_virtual:
                kit.words(say("made by a program"), "camera-note", "span")
        return button

    def _choose(self, tile: CameraTile) -> Callable[[], Awaitable[object]]:
        async def choose() -> None:
            kept = self._frame.panel.presets.of_camera(tile.address)
            await self._frame.change({**kept, "camera": tile.address})

        return choose

    async def _advise(self) -> None:
        from mien.diagnostics.doctor.devices import check_cameras
        from mien.media.devices.cameras import cameras

        check = check_cameras(await asyncio.to_thread(cameras))
        if self._advice.is_new([check]) and check.advice:
            say = self._frame.words
            with self._advice.box:
                kit.words(say("No camera can be used yet, so a drawn face plays."), "advice-title")
                kit.words(say.told(check.advice), "hint")
                if (command := pieces.command_in(check.advice)) is not None:
                    kit.copy_line(command, say("Copy the command"))

    def _look(self, status: StatusView | None) -> None:
        for tile, button in self._tiles:
            is_used = status is not None and tile.address == status.camera
            kit.put(button, aria_pressed="true" if is_used else "false")


class _FaceStep:
    """A photo is dropped, looked at and used. Has state: the photo that is being asked about."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        say = frame.words
        kit.drop_zone(
            say("Drop a photo here, or click to choose one"),
            say("A face that looks into the camera, in even light. It stays on this computer."),
            "photo",
            take=self._dropped,
            refuse=self._refused,
            accept=pieces.PHOTO_TYPES,
        )
        self._asks = kit.box("asks")
        kit.words(say("Or one that is here already"), "or")
        self._tiles = pieces.FaceTiles(frame)

    async def _refused(self, why: str) -> None:
        self._frame.toast(why, "bad")

    async def _dropped(self, name: str) -> None:
        say = self._frame.words
        self._asks.clear()
        with self._asks, kit.box("busy"):
            kit.box("spinner", "span", aria_hidden="true")
            kit.words(say("Looking at the photo …"), tag="span")
        try:
            found = await self._frame.panel.photos.understood(name)
        except MienError as error:
            self._asks.clear()
            self._frame.complain(error)
            return
        self._asks.clear()
        with self._asks, kit.box("asked"):
            if found.fault is None:
                kit.box("asked-face", "img", src=f"/photo/{name}/thumb.jpg", alt=say("The face in your photo"))
            with kit.box("asked-words"):
                pieces.understood(self._frame, found)
                if found.fault is None:
                    pieces.whose(self._frame, self._wear(found))

    def _wear(self, photo: Understood) -> Callable[[ConsentKind], Awaitable[object]]:
        async def use(kind: ConsentKind) -> None:
            values: dict[str, JsonValue] = {"face": [photo.path], "consent": kind.value, "assign": "largest"}
            if await self._frame.change(values, self._frame.words("This is your face now.")):
                self._asks.clear()
                self._tiles.renew()

        return use


class _SeeStep:
    """The picture as others see it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        pieces.preview(frame, has_compare=False)
        self._words = kit.words("", "hint")
        pieces.StartButton(frame)
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        say = self._frame.words
        if status is None:
            self._words.set_text("")
        elif status.run.state == "live":
            self._words.set_text(say("This is what everybody else sees, with its label."))
        elif status.run.faces == 0:
            self._words.set_text(say("Sit so that your whole face is in the picture, with light from the front."))


class _GoLiveStep:
    """The virtual camera: that it is there, or how to get it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("golive")
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        specs = {} if status is None else dict(status.outputs)
        mine = {spec: text for spec, text in specs.items() if spec.partition(":")[0] == "virtualcam"}
        sinks = () if status is None else status.run.sinks
        open_ones = tuple(one.description for one in sinks if one.state == "open" and one.description in mine.values())
        faults = tuple(one.why for one in sinks if one.why and one.description in mine.values())
        if self._grid.is_new([open_ones, faults, status is None]):
            with self._grid.box:
                if open_ones:
                    self._is_there(open_ones[0])
                else:
                    self._is_missing(faults, is_running=status is not None)

    def _is_there(self, description: str) -> None:
        say = self._frame.words
        kit.words(say("You are on air as a camera"), "verdict is-good", "h3")
        kit.words(description, "hint")
        for program, where in (
            ("OBS", say("Sources, +, Video Capture Device, then the camera with Mien in its name.")),
            ("Zoom", say("The arrow beside Start Video, then the camera with Mien in its name.")),
            ("Google Meet", say("Three dots, Settings, Video, Camera.")),
            ("Teams", say("Three dots, Device settings, Camera.")),
        ):
            with kit.box("program"):
                kit.words(program, "program-name", "strong")
                kit.words(where, "", "span")
        kit.words(say("Not in the list? Close that program and open it again: most look for cameras once."), "hint")

    def _is_missing(self, faults: tuple[str, ...], *, is_running: bool) -> None:
        from mien.sinks.virtual_camera import how_to_install

        say = self._frame.words
        advice = how_to_install()
        command = pieces.command_in(advice)
        kit.words(say("One thing is missing: a virtual camera"), "verdict is-fair", "h3")
        for fault in faults:
            kit.words(say.told(fault), "verdict-why")
        if command is not None:
            kit.words(say("Run this once in a terminal, then click the button:"), "hint")
            kit.copy_line(command, say("Copy the command"))
        else:
            kit.words(say.told(advice), "hint")
        if is_running:
            kit.button(say("Try the virtual camera"), self._try, "btn-main", "start")
        kit.link(say("Record a file or stream instead"), "/outputs", "plain-link")

    async def _try(self) -> None:
        await add_output(self._frame, "virtualcam", Scope.LIVE, self._frame.words("The virtual camera is open."))
