"""What the user changes while a run lasts is made in a thread of its own, so that no frame waits for it."""

import threading
from collections.abc import Callable

from mien_models.system.crash.edge import edge


class ChangeThread:
    """Asks for changes, one at a time. Has state: the thread that is making one."""

    def __init__(self, renew: Callable[[], str | None], tell: Callable[[str], None]) -> None:
        """Take what makes changes and says what they were, and who is told."""
        self._renew, self._tell = renew, tell
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Ask for changes, unless one is still being made; call it about once a second."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._ask, name="mien-renew", daemon=True)
            self._thread.start()

    def _ask(self) -> None:
        with edge("The change failed", lambda error: self._tell(f"Not changed: {error}")):
            if (done := self._renew()) is not None:
                self._tell(done)
