"""The network, its critic, their optimisers and the file in which they wait for the next run."""

from pathlib import Path
from typing import Any, Final, Self, cast

import torch
from examples_of import Examples, joined
from finishing_network import Critic, Finisher
from objective import critic_loss, difference, real_and_made, strayed, unconvincing
from torch import Tensor

SMOOTHED: Final = 0.999
"""The exported weights follow the learned ones by this."""
WARM_STEPS: Final = 200
CRITIC_WARMS: Final = 800
"""The critic's word counts more and more over so many steps."""
CRITIC_COUNTS: Final = 0.03
KEEP_COUNTS: Final = 0.8
SLOWER_BESIDE_CRITIC: Final = 0.5
"""The rate falls to this part once there is a critic."""
OPTIMISERS: Final = "optimisers.pth"
"""Beside the networks: the file that only the next run needs."""


class Teaching:
    """Learns step by step; gives the same next step after it was saved and read again, but for chance."""

    def __init__(self, *, rate: float, device: str) -> None:
        self.device, self.rate = device, rate
        self.step = self.seen = self.critic_step = 0
        layout = torch.channels_last
        self.network = Finisher().to(device, memory_format=layout)
        self.smooth = Finisher().to(device, memory_format=layout)
        self.smooth.load_state_dict(self.network.state_dict())
        self.critic = Critic().to(device, memory_format=layout)
        fused = device.startswith("cuda")
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-4, fused=fused
        )
        self._critics = torch.optim.AdamW(
            self.critic.parameters(), lr=5e-4, betas=(0.5, 0.99), weight_decay=0, fused=fused
        )

    @classmethod
    def resumed(cls, path: Path, *, rate: float, device: str) -> Self:
        """Go on from a file, or begin where there is none."""
        teaching = cls(rate=rate, device=device)
        if path.exists():
            teaching._load(path)
        return teaching

    def learn(self, batch: Examples, cooled: float = 1.0) -> dict[str, Tensor]:
        """Take one step on pairs with a right answer; `cooled` is the rate's share."""
        self._set_rate(cooled)
        loss = difference(finished(self.network, batch), batch)
        self._take(loss, len(batch.kind))
        return {"difference": loss.detach()}

    def learn_with_critic(self, batch: Examples, strangers: Examples, cooled: float = 1.0) -> dict[str, Tensor]:
        """Take one step on pairs and strangers, and teach the critic by it."""
        self._set_rate(cooled * SLOWER_BESIDE_CRITIC)
        count = len(batch.kind)
        both = joined(batch, strangers)
        out = finished(self.network, both)
        real, made, region = real_and_made(out, both)
        critics = critic_loss(self.critic(real), self.critic(made.detach()), region)
        self._critics.zero_grad()
        critics.backward()
        self._critics.step()
        self.critic.requires_grad_(requires_grad=False)
        seen_through = unconvincing(self.critic(made), region)
        self.critic.requires_grad_(requires_grad=True)
        off, strange = difference(out[:count], batch), strayed(out[count:], strangers)
        share = CRITIC_COUNTS * min(1.0, self.critic_step / CRITIC_WARMS)
        self.critic_step += 1
        self._take(off + KEEP_COUNTS * strange + share * seen_through, len(both.kind))
        return {
            "difference": off.detach(), "strayed": strange.detach(), "seen through": seen_through.detach(),
            "critic": critics.detach(),
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """Write everything, what only the next run needs into a file beside; the old stay until the new are whole."""
        _write(path.with_name(OPTIMISERS), {
            "step": self.step, "optimiser": self._optimiser.state_dict(), "critics": self._critics.state_dict(),
        })  # fmt: skip
        _write(path, {
            "step": self.step, "seen": self.seen, "critic_step": self.critic_step,
            "network": self.network.state_dict(), "smooth": self.smooth.state_dict(),
            "critic": self.critic.state_dict(),
        })  # fmt: skip

    def _load(self, path: Path) -> None:
        kept = _read(path, self.device)
        self.step, self.seen, self.critic_step = (int(kept[key]) for key in ("step", "seen", "critic_step"))
        for module, key in ((self.network, "network"), (self.smooth, "smooth"), (self.critic, "critic")):
            module.load_state_dict(kept[key])
        beside = path.with_name(OPTIMISERS)
        optimisers = _read(beside, self.device) if beside.exists() else {}
        if optimisers.get("step") == self.step:  # else they are of another run, and are better begun anew
            self._optimiser.load_state_dict(optimisers["optimiser"])
            self._critics.load_state_dict(optimisers["critics"])

    def _take(self, loss: Tensor, count: int) -> None:
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self.step += 1
        self.seen += count
        # Slow only when there is something to smooth: the first steps' weights are noise.
        kept = min(SMOOTHED, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for smooth, learned in zip(self.smooth.parameters(), self.network.parameters(), strict=True):
                smooth.lerp_(learned, 1 - kept)

    def _set_rate(self, share: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self.rate * share * min(1.0, (self.step + 1) / WARM_STEPS)


def finished(network: Finisher, batch: Examples) -> Tensor:
    """Give the composed pictures with what the network adds; a card computes it in half precision."""
    x = batch.inputs()
    with torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda):
        added = network(x)
    return batch.composed + added.float() * batch.region


def _write(path: Path, kept: dict[str, object]) -> None:
    unfinished = path.with_suffix(".part")
    torch.save(kept, unfinished)
    unfinished.replace(path)


def _read(path: Path, device: str) -> dict[str, Any]:
    return cast("dict[str, Any]", torch.load(path, map_location=device, weights_only=True))
