"""Arrays of .npy files that anybody may have made."""

from io import BytesIO
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mien_models.system.parsing import PARSER


def numbers_of(content: bytes) -> NDArray[Any]:
    """Read the content of a .npy file.

    Raises:
        ValueError: it is none, cut off, holds objects, or promises more than is there.
    """
    try:
        with PARSER:
            found: object = np.load(BytesIO(content), allow_pickle=False)
    except Exception as error:  # its header is a Python expression, and archives have errors of their own
        raise ValueError("it is no .npy file of numbers") from error
    numbers = cast("NDArray[Any]", found)
    if not isinstance(found, np.ndarray) or numbers.dtype.kind not in "fiub":
        raise ValueError("it is no .npy file of numbers")
    return numbers
