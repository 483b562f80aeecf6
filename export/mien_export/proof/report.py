"""A proof as a table for people, one JSON and one picture."""

import math
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from mien_export.contracts import Network
from mien_export.precision.lowering import summary
from mien_export.proof.measuring import Measured
from mien_export.proof.pixels import from_numbers
from mien_export.proof.prove import Judged, Proof
from mien_models.specs.network import SwapSpec
from mien_models.system.atomic_write import whole_or_nothing
from mien_models.system.printable import json_text
from mien_models.types import BgrU8, as_u8

_AMPLIFIED: Final = 16
_TILE_PX: Final = 256
_MOST_SAID: Final = 12


def table(proof: Proof) -> str:
    """Give one line for each file and output, with the worst of all cases, and each failed gate below."""
    head = f"{'file':28} {'output':10} {'largest':>9} {'mean':>9} {'PSNR':>7} {'colour':>9} {'cosine':>8}  verdict"
    lines = [head]
    for file in proof.files:
        if file.not_run:
            lines.append(f"{file.path.name:28} NOT RUN, not proven: {file.not_run}")
        for output, found in _by_output(file).items():
            cosines = [one.cosine for one in found if one.cosine is not None]
            worst = (
                f"{max(one.max_error for one in found):9.2g} {max(one.mean_error for one in found):9.2g} "
                f"{min(one.psnr_db for one in found):7.1f} {max(one.colour_shift for one in found):9.2g} "
                f"{f'{min(cosines):.5f}' if cosines else '-':>8}"
            )
            lines.append(f"{file.path.name:28} {output:10} {worst}  {'passed' if file.has_passed else 'FAILED'}")
        lines += [f"  {told}" for told in (*summary(file.islands, file.nodes), *_allowed(file))]
        lines += [f"  {told}" for told in file.failures[:_MOST_SAID]]
        if len(file.failures) > _MOST_SAID:
            lines.append(f"  and {len(file.failures) - _MOST_SAID} more")
    if proof.made is not None:
        lines.append(
            f"Made in {proof.made.seconds:.0f} s with at most {proof.made.peak_mb:.0f} MB, the proof included."
        )
    lines += [_held_against(proof), _identity_told(proof)]
    return "\n".join(lines)


def _allowed(file: Judged) -> list[str]:
    """Say where more than usual was allowed, and why."""
    told = [
        f"{one.case}, {one.output}: the network itself loses {one.noise:.2g} in full precision (against double), so "
        f"{one.allowed:.2g} was allowed"
        for one in file.allowances
    ]
    if file.raised is not None:
        told.append(f"up to {file.raised.largest:g} was allowed by --gate: {file.raised.reason}")
    elif file.says_raised and file.failures:
        told.append(f"its export was allowed more, {file.says_raised}; --gate and --reason allow it here too")
    return told


def _held_against(proof: Proof) -> str:
    return (
        f"Held against the checkpoint's weights in Mien's torch module, {len(proof.cases)} cases, "
        f"{proof.cost_gmac:.1f} GMAC each; the module is held against the published code by the project's tests."
    )


def _identity_told(proof: Proof) -> str:
    cosines = [one for file in proof.files if file.identity for one in file.identity.values()]
    if not cosines:
        return "Identity by an independent embedding: not measured; --identity FILE.onnx names an ArcFace."
    return f"Identity by an independent embedding: cosine {min(cosines):.4f} at least, of {len(cosines)} faces."


def as_data(proof: Proof, source_sha256: str) -> dict[str, Any]:
    """Give all numbers, ready for JSON."""
    return {
        "source_sha256": source_sha256,
        "passed": not proof.has_failed,
        "held_against": _held_against(proof),
        "made": None if proof.made is None else asdict(proof.made),
        "files": [
            {
                "file": file.path.name,
                "half": file.is_half,
                "verdict": "not run" if file.not_run else "passed" if file.has_passed else "failed",
                "not_run": file.not_run,
                "gates": None if file.gates is None else asdict(file.gates),
                "identity": "not measured" if file.identity is None else dict(file.identity),
                "allowances": [asdict(one) for one in file.allowances],
                "raised": None if file.raised is None else asdict(file.raised),
                "islands": [asdict(one) for one in file.islands],
                "failures": list(file.failures),
                "cases": [_finite(asdict(one)) for one in file.measured],
            }
            for file in proof.files
        ],
    }


def save(proof: Proof, network: Network, source_sha256: str, base: Path) -> tuple[Path, ...]:
    """Write `BASE.json` and, where the network gives pictures, `BASE.png`.

    Raises:
        SinkError: they cannot be written.
    """
    data = base.with_name(f"{base.name}.json")
    with whole_or_nothing(data) as part:
        part.write_text(json_text(as_data(proof, source_sha256)) + "\n", encoding="utf-8")
    picture = sheet(proof, network)
    if picture is None:
        return (data,)
    drawn = base.with_name(f"{base.name}.png")
    with whole_or_nothing(drawn) as part:
        part.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return data, drawn


def sheet(proof: Proof, network: Network) -> BgrU8 | None:
    """Draw, for each face and file: the checkpoint's answer, the file's, and their difference sixteen times."""
    spec = network.spec(has_map=True)
    if not isinstance(spec, SwapSpec):
        return None
    rows: list[BgrU8] = []
    for case in proof.cases:
        for file in proof.files:
            if not case.is_face or file.answers is None:
                continue
            one = from_numbers(proof.reference[case.name], spec).astype(np.float32)
            other = from_numbers(file.answers[case.name], spec).astype(np.float32)
            difference = np.clip(np.abs(other - one) * _AMPLIFIED, 0, 255)
            tiles = [
                cv2.resize(as_u8(tile.astype(np.uint8)), (_TILE_PX, _TILE_PX)) for tile in (one, other, difference)
            ]
            rows.append(as_u8(np.hstack(tiles)))
    return as_u8(np.vstack(rows)) if rows else None


def _by_output(file: Judged) -> dict[str, list[Measured]]:
    found: defaultdict[str, list[Measured]] = defaultdict(list)
    for one in file.measured:
        found[one.output].append(one)
    return dict(found)


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in fields.items()
    }
