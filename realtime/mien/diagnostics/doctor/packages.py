"""Which packages are installed, and that none hides another."""

import re
from collections.abc import Iterable, Sequence
from importlib import metadata

from mien.diagnostics.doctor.checks import Check, Verdict


def installed() -> dict[str, str]:
    """Give the version of every installed distribution by its normalised name."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()] = distribution.version
    return found


def check_only_one(module: str, candidates: Iterable[str], wanted: str) -> Check:
    """Prove that exactly one distribution carries `module`.

    Several distributions that carry one module overwrite each other's files; which one is left depends on the order
    of installing.

    Args:
        module: the name that is imported.
        candidates: normalised names of every installed distribution that carries it, with versions.
        wanted: what to install where there is none.
    """
    found = list(candidates)
    if len(found) == 1:
        return Check(module, Verdict.OK, found[0])
    if not found:
        return Check(module, Verdict.BROKEN, "not installed", f"Install it: uv pip install {wanted}")
    advice = (
        f"They overwrite each other's files: uv pip uninstall {' '.join(name.split()[0] for name in found)}, "
        f"then uv pip install {wanted}"
    )
    return Check(module, Verdict.BROKEN, f"{len(found)} at once: {', '.join(found)}", advice)


def check_onnxruntime(packages: dict[str, str]) -> Check:
    """Prove that exactly one ONNX Runtime is installed; plug-in providers (`onnxruntime-ep-...`) do not count."""
    carriers = [
        f"{name} {version}"
        for name, version in sorted(packages.items())
        if (name == "onnxruntime" or name.startswith(("onnxruntime-", "ort-nightly")))
        and not name.startswith(("onnxruntime-ep-", "onnxruntime-extensions", "onnxruntime-genai", "onnxruntime-tools"))
    ]
    return check_only_one("onnxruntime", carriers, "onnxruntime")


def check_opencv(packages: dict[str, str]) -> Check:
    """Prove that exactly one OpenCV is installed."""
    carriers = [f"{name} {version}" for name, version in sorted(packages.items()) if name.startswith("opencv-")]
    return check_only_one("opencv", carriers, "opencv-python-headless")


def check_versions(packages: dict[str, str], names: Sequence[str]) -> Check:
    """Name the versions of what shapes the picture."""
    missing = [name for name in names if name not in packages]
    found = ", ".join(f"{name} {packages[name]}" for name in names if name in packages)
    if missing:
        return Check("packages", Verdict.BROKEN, f"missing: {', '.join(missing)}", "Install them all: uv sync")
    return Check("packages", Verdict.OK, found)
