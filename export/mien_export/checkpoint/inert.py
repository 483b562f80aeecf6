"""Opens a pickle without any code but that which builds tensors, arrays and plain containers.

A pickle names functions and classes and says what to call. Here a short list of names is real; every other class is
replaced by an empty one that only remembers what it was given, so a module that was saved whole can be read without its
classes. A file that names functions of Python's own library (to start programs, to open files) is refused: it was not
made to hold weights.
"""

import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_REAL: Final = frozenset(
    {
        ("collections", "OrderedDict"),
        ("_codecs", "encode"),
        ("copyreg", "_reconstructor"),
        ("copy_reg", "_reconstructor"),
        *(("numpy", name) for name in ("ndarray", "dtype")),
        *(
            (f"numpy.{core}.{module}", name)
            for core in ("core", "_core")
            for module, name in (("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer"))
        ),
        *(
            ("torch._utils", name)
            for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state")
        ),
        *(("torch", name) for name in ("Size", "device", "Tensor")),
        *(
            (builtins, name)
            for builtins in ("builtins", "__builtin__")
            for name in ("set", "frozenset", "object", "slice")
        ),
    }
)
"""What is called as it stands; none of it does anything but make values."""
_HARMLESS: Final = frozenset(
    {"argparse", "collections", "copyreg", "datetime", "enum", "functools", "pathlib", "typing"}
)
"""Of Python's own library: what options are saved as. Its classes are emptied like all others."""


class NamesCodeError(Exception):
    """The file names a function that has nothing to do with weights."""


class Inert:
    """What takes the place of a class: keeps what it is given, and does nothing."""

    def __init__(self, *given: object, **named: object) -> None:
        self.__dict__.update(named, _given=given)

    def __setstate__(self, state: object) -> None:
        """Keep what an object's attributes were."""
        parts: tuple[object, ...] = cast("tuple[object, ...]", state) if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.__dict__.update(cast("dict[str, object]", part))

    def __setitem__(self, key: object, value: object) -> None:
        """Take what a mapping held."""
        self.__dict__.setdefault("_items", {})[key] = value

    def append(self, value: object) -> None:
        """Take what a list held."""
        self.__dict__.setdefault("_listed", []).append(value)


class InertUnpickler(pickle.Unpickler):
    """Finds the few real names, and an empty class for every other."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as in the standard library
        """Give what a name stands for.

        Raises:
            NamesCodeError: it is of Python's own library, and nothing that is saved with weights.
        """
        is_number = module == "torch" and (
            name.endswith("Storage") or isinstance(getattr(torch, name, None), torch.dtype)
        )
        if (module, name) in _REAL or is_number or (module == "torch.storage" and name.endswith("Storage")):
            return super().find_class(module, name)
        top = module.partition(".")[0]
        if (top in sys.stdlib_module_names and top not in _HARMLESS) or top in {"builtins", "__builtin__"}:
            raise NamesCodeError(f"{module}.{name}")
        return type(name, (Inert,), {"__module__": module})


class inert_pickle:  # noqa: N801 - stands in the place of the module `pickle`
    """What `torch.load` takes as its `pickle_module`."""

    Unpickler: Final = InertUnpickler

    @staticmethod
    def load(file: BinaryIO, **_: object) -> object:
        """Read one value."""
        return InertUnpickler(file).load()


def opened_inertly(path: Path, *, is_torch: bool, is_zip: bool) -> object:
    """Open a file of PyTorch's, or a plain pickle, as far as that needs no code.

    Returns:
        Its content; modules that were saved whole have become their weights by name, arrays are tensors.

    Raises:
        NamesCodeError: it names functions of Python's own library.
    """
    if is_torch:
        load = cast("Callable[..., object]", torch.load)
        content = load(path, map_location="cpu", weights_only=False, pickle_module=inert_pickle, mmap=is_zip)
    else:
        with path.open("rb") as file:
            content = InertUnpickler(file).load()
    return with_tensors(content)


def with_tensors(content: object) -> object:
    """Replace saved modules by their weights and arrays by tensors, wherever they stand."""
    if isinstance(content, Inert):
        weights = dict(_weights_in(content, ""))
        return weights or content
    if isinstance(content, np.ndarray):
        return _tensor_of(cast("NDArray[Any]", content))
    if isinstance(content, Mapping):
        return {key: with_tensors(one) for key, one in cast("Mapping[object, object]", content).items()}
    return content


def _tensor_of(array: NDArray[Any]) -> object:
    if array.dtype.kind not in "fiu":
        return None
    return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))


def _weights_in(module: Inert, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """Walk through a module as `state_dict` does."""
    inside = vars(module)
    skipped = inside.get("_non_persistent_buffers_set", ())
    for place in ("_parameters", "_buffers"):
        for name, one in dict(inside.get(place) or {}).items():
            if isinstance(one, Tensor) and name not in skipped:
                yield f"{prefix}{name}", one.detach()
    for name, child in dict(inside.get("_modules") or {}).items():
        if isinstance(child, Inert):
            yield from _weights_in(child, f"{prefix}{name}.")
