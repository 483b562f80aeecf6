"""Python's own parser, which two threads must not ask for a syntax tree at the same time.

CPython 3.11 counts its depth once for the whole process. A thread that is interrupted in the middle, by the garbage
collector for one, gets the other's count: a SystemError, "AST constructor recursion depth mismatch"
(python/cpython#106905). NumPy reads the headers of its files with it.
"""

import threading
from typing import Final

PARSER: Final = threading.Lock()
"""Held while a syntax tree is made, or a file of NumPy's is read."""
