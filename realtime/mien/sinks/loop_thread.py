"""An asyncio loop in a thread of its own, for what the libraries of the web ask of it."""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

_LOG = logging.getLogger(__name__)
_WAITS_S: Final = 5.0
Answered = TypeVar("Answered")


class LoopThread:
    """Runs between `start` and `stop`. Has state: the loop."""

    def __init__(self, name: str) -> None:
        """Take what the thread is called."""
        self.loop = asyncio.new_event_loop()
        self._stopping = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether something can be done."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, with everything that is still under way; more than once does no harm. Any other thread may."""
        with self._stopping:
            if self._thread.is_alive():
                self.do(self._cancel_all())
                self.loop.call_soon_threadsafe(self.loop.stop)
                self._thread.join(_WAITS_S)
            elif self._thread.ident is None:
                self.loop.close()

    def begin(self, work: Coroutine[Any, Any, Answered]) -> "Future[Answered]":
        """Have something done; any thread may."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def do(self, work: Coroutine[Any, Any, Answered], timeout_s: float = _WAITS_S) -> Answered:
        """Have something done, and wait for it; any other thread may.

        Raises:
            TimeoutError: it took too long.
        """
        return self.begin(work).result(timeout_s)

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        # What breaks there is one stranger's connection, and is said to that stranger or to nobody.
        self.loop.set_exception_handler(lambda _, said: _LOG.debug("a connection failed: %s", said))
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    async def _cancel_all(self) -> None:
        others = [task for task in asyncio.all_tasks(self.loop) if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=1)
        await self.loop.shutdown_default_executor()
