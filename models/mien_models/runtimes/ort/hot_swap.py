"""A session that can be replaced by a faster one between two runs."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from mien_models.interfaces import Session


class ReplaceableSession:
    """Runs on whatever was put in last; whoever holds it need not know. Has state: that session."""

    def __init__(self, session: Session) -> None:
        """Begin with the session that serves now."""
        self._session = session

    def replace(self, session: Session) -> None:
        """Run on another session of the same network from the next run on; any thread may say so."""
        self._session = session

    @property
    def provider(self) -> str:
        """What runs it now."""
        return self._session.provider

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every input by name; -1 where it is free."""
        return self._session.input_shapes

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Run once, on one session from its beginning to its end."""
        return self._session.run(feeds)
