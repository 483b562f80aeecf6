"""The pair, its optimiser and its file."""

from pathlib import Path
from typing import Any, Final, Self, cast

import torch
from faces import ClipError, Faces
from losses import face_loss
from torch import Tensor
from warping import sample

from mien_export.architectures.dfl import Dfl, DfModule

_RATE: Final = 5e-4
_SMOOTHED: Final = 0.998
"""The weights that are exported follow the learned ones by this, which takes the trembling of small batches out."""


class Training:
    """Learns step by step."""

    def __init__(self, size_px: int, batch: int) -> None:
        """Begin with weights that know nothing."""
        self.network = Dfl("df", size_px, code=128, encoder_width=32, decoder_width=16, mask_width=6)
        self.size_px, self.step, self._batch = size_px, 0, batch
        self._module = cast("DfModule", self.network.build().train())
        self._smooth = {key: one.clone() for key, one in self._module.state_dict().items()}
        self._optimiser = torch.optim.Adam(self._module.parameters(), lr=_RATE, betas=(0.5, 0.999))

    @classmethod
    def resumed(cls, path: Path, size_px: int, batch: int) -> Self:
        """Go on from a file, or begin where there is none.

        Raises:
            ClipError: the file is of another size.
        """
        training = cls(size_px, batch)
        if not path.exists():
            return training
        kept = cast("dict[str, Any]", torch.load(path, map_location="cpu", weights_only=True))
        if kept["size_px"] != size_px:
            raise ClipError(f"{str(path)!r} was trained with --size {kept['size_px']}; go on with that, or move it.")
        training.step = kept["step"]
        training._module.load_state_dict(kept["model"])
        training._smooth = kept["ema"]
        training._optimiser.load_state_dict(kept["optimizer"])
        return training

    def learn(self, source_face: Faces, target: Faces) -> tuple[float, float]:
        """Take one step; give the loss of each person."""
        of_source, of_target = sample(source_face, self._batch, self.size_px), sample(target, self._batch, self.size_px)
        module = self._module
        features = module.inter.forward(module.encoder.forward(torch.cat([of_source.warped, of_target.warped])))
        loss_source = face_loss(module.decoder_src.forward(features[: self._batch]), of_source.face, of_source.mask)
        loss_target = face_loss(module.decoder_dst.forward(features[self._batch :]), of_target.face, of_target.mask)
        self._optimiser.zero_grad()
        (loss_source + loss_target).backward()
        self._optimiser.step()
        self.step += 1
        self._follow()
        return loss_source.item(), loss_target.item()

    def smoothed(self) -> DfModule:
        """Give the pair as it is exported."""
        module = cast("DfModule", self.network.build())
        module.load_state_dict(self._smooth)
        return module

    def save(self, path: Path) -> None:
        """Write everything; the old file stays until the new one is whole."""
        kept: dict[str, object] = {
            "step": self.step,
            "size_px": self.size_px,
            "model": self._module.state_dict(),
            "ema": self._smooth,
            "optimizer": self._optimiser.state_dict(),
        }
        unfinished = path.with_suffix(".part")
        torch.save(kept, unfinished)
        unfinished.replace(path)

    def _follow(self) -> None:
        # Slow only when there is something to smooth: the first steps' weights are noise.
        kept = min(_SMOOTHED, self.step / (self.step + 10))
        with torch.no_grad():
            for key, one in self._module.state_dict().items():
                self._smooth[key].lerp_(one, 1 - kept)


def pictures(training: Training, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Give faces as the target's decoder and as the source's draws them, (n, 3, size, size) BGR 0..1."""
    module = training.smoothed()
    with torch.inference_mode():
        features = module.inter.forward(module.encoder.forward(faces))
        return module.decoder_dst.forward(features)[0], module.decoder_src.forward(features)[0]
