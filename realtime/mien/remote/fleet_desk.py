"""What the replicas of a fleet have to know of each other: a tenant's sessions on all of them, and who is to leave."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

_FRESH_S: Final = 5.0
"""A replica that has said nothing for so long is gone, and its sessions with it."""


class Desk:
    """Has state: each replica's sessions as it told them last. Lives in one actor; whoever asks takes turns."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._runs: dict[str, dict[str, str]] = {}
        self._heard_s: dict[str, float] = {}
        self._leaving: frozenset[str] = frozenset()

    def beat(self, replica: str, runs: Mapping[str, str]) -> bool:
        """Take a replica's runs, each with its tenant; tell whether the replica is to send them elsewhere."""
        self._runs[replica], self._heard_s[replica] = dict(runs), self._clock_s()
        return replica in self._leaving

    def claim(self, replica: str, run: str, tenant: str, seats: int) -> bool:
        """Take one of a tenant's seats, unless all of them are taken; a run that comes back has its own again."""
        self._forget()
        others = sum(
            one_tenant == tenant for runs in self._runs.values() for one, one_tenant in runs.items() if one != run
        )
        if others >= seats:
            return False
        self._runs.setdefault(replica, {})[run] = tenant
        self._heard_s[replica] = self._clock_s()
        return True

    def leave(self, replicas: Collection[str]) -> None:
        """Let these replicas send everybody elsewhere."""
        self._leaving = frozenset(replicas)

    def book(self) -> dict[str, int]:
        """Give how many sessions each replica has."""
        self._forget()
        return {replica: len(runs) for replica, runs in self._runs.items()}

    def _forget(self) -> None:
        now_s = self._clock_s()
        for replica in [one for one, heard_s in self._heard_s.items() if now_s - heard_s > _FRESH_S]:
            del self._runs[replica], self._heard_s[replica]
