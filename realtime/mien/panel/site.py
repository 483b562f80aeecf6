"""The pages by their addresses."""

from collections.abc import Callable, Mapping
from typing import Final

from mien.panel.pages.faces import faces_page
from mien.panel.pages.frame import Frame
from mien.panel.pages.live import live_page
from mien.panel.pages.numbers import numbers_page
from mien.panel.pages.outputs import outputs_page
from mien.panel.pages.people import people_page
from mien.panel.pages.presets import presets_page
from mien.panel.pages.start import start_page


def _models_page(frame: Frame) -> None:
    # It loads what takes networks apart, which nobody needs for the first page.
    from mien.panel.pages.models import models_page

    models_page(frame)


def _machines_page(frame: Frame) -> None:
    from mien.panel.pages.machines import machines_page

    machines_page(frame)


PAGES: Final[Mapping[str, Callable[[Frame], None]]] = {
    "/start": start_page,
    "/live": live_page,
    "/people": people_page,
    "/numbers": numbers_page,
    "/outputs": outputs_page,
    "/presets": presets_page,
    "/faces": faces_page,
    "/models": _models_page,
    "/machines": _machines_page,
}
