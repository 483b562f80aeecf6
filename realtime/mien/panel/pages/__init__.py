"""One file a page."""

from collections.abc import Callable, Mapping
from typing import Final

from mien.panel.pages.frame import Frame
from mien.panel.pages.live import live_page
from mien.panel.pages.start import start_page

PAGES: Final[Mapping[str, Callable[[Frame], None]]] = {
    "/start": start_page,
    "/live": live_page,
}
"""By address."""
