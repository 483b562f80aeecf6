"""Takes out of a text what says who the user is, whom they look like, and what opens their doors.

A crash file is made to be sent to strangers. What a word of the command line or a value of a setting may be is listed;
every other is replaced, so that a new flag gives nothing away.
"""

import contextlib
import getpass
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final, cast

HIDDEN: Final = "<hidden>"
_PLAIN: Final = re.compile(r"--?[a-z][a-z0-9-]*|[a-z][a-z0-9_-]{0,24}|[0-9]+(?:[.:x/][0-9]+)*|true|false", re.ASCII)
"""Flags, names of commands and choices, numbers and sizes."""
_PERSONAL: Final = re.compile(r"faces?$|name|assign|person|photo|statement", re.IGNORECASE)
_SECRET: Final = re.compile(r"key|pass|secret|token|credential|certificate|\bpair", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s'\"<>]+", re.IGNORECASE)
_SUFFIXES: Final = (
    "jpe?g|jfif|jpe|jp2|png|webp|gif|avif|hei[cf]|tiff?|bmp|p[bgnp]m|mp4|m4v|mov|mkv|webm|avi|ts|m2ts|mpe?g|flv|wmv|3gp"
    "|y4m|wav|mp3|m4a|flac|ogg|opus|pem|part"
)
_QUOTED_FILE: Final = re.compile(rf"(['\"])(?:(?!\1)[^\n])*?\.({_SUFFIXES})((?:#\d+)?)\1", re.IGNORECASE)
_BARE_FILE: Final = re.compile(rf"(?<![^\s'\"<>/\\:=,])[^\s'\"<>/\\:=,]{{1,255}}\.({_SUFFIXES})\b", re.IGNORECASE)
_KIND: Final = re.compile(r"[a-z][a-z0-9]+:", re.ASCII)
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}")
_HOME_FLAGS: Final = re.IGNORECASE if os.name == "nt" else 0
_NOBODY: Final = frozenset({"localhost", "root", "nobody"})
_LEAST_LETTERS: Final = 3
"""A stem or a name shorter than this stands in too many other words."""


def shown_words(words: Sequence[str]) -> str:
    """Write a command line without what is the user's own."""
    return " ".join(shown for _, shown in _judged(words))


def shown_settings(settings: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Write settings, one a line, without what is the user's own: `fps = 30`, `face = <hidden>`."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from shown_settings(cast("Mapping[str, object]", value), f"{prefix}{name}.")
            continue
        values = [str(one).lower() if isinstance(one, bool) else str(one) for one in _several(value)]
        yield f"{prefix}{name} = {', '.join(HIDDEN if _is_own(name) else _shown(one) for one in values)}"


def redacted(text: str, words: Sequence[str] = ()) -> str:
    """Take out addresses, what the command line named, media files, the user's folder, name and computer."""
    text = _ADDRESS.sub(rf"\1{HIDDEN}", text)
    for name in sorted(set(_names(words)), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text)
    for folder in _homes():
        text = re.sub(rf"{re.escape(folder)}(?![\w-])", "~", text, flags=_HOME_FLAGS)
    text = _QUOTED_FILE.sub(rf"\1{HIDDEN}.\2\3\1", text)
    text = _BARE_FILE.sub(rf"{HIDDEN}.\1", text)
    for name in _people():
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", HIDDEN, text)
    return text


def _judged(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give each word as it was and as it may be shown."""
    before = ""
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        # The names of faces follow `faces add`, `faces show` and `faces remove` without a flag.
        is_own = _is_own(flag or before) or (not flag and place > 1 and words[0] == "faces")
        shown = _hidden(value) if is_own or _is_a_file(value, may_be_folder=place > 1) else _shown(value)
        yield word, f"{flag if _PLAIN.fullmatch(flag) else HIDDEN}{equals}{shown}" if flag else shown
        before = "" if equals else flag


def _shown(value: str) -> str:
    """Give a value that is one of ours or a number; of others only what kind they are."""
    return value if _PLAIN.fullmatch(value) else _hidden(value)


def _hidden(value: str) -> str:
    """Replace a value by what kind of sink, address or file it is: `file:<hidden>.mp4`."""
    if (address := _ADDRESS.match(value)) is not None:
        return f"{address[1]}{HIDDEN}"
    kind = _KIND.match(value)
    suffix = PurePath(value).suffix
    return f"{kind[0] if kind else ''}{HIDDEN if value else ''}{suffix if _SUFFIX.fullmatch(suffix) else ''}"


def _is_own(name: str) -> bool:
    return _PERSONAL.search(name) is not None or _SECRET.search(name) is not None


def _is_a_file(word: str, *, may_be_folder: bool) -> bool:
    try:
        return Path(word).is_file() or (may_be_folder and Path(word).is_dir())
    except (OSError, ValueError):
        return False


def _several(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _names(words: Sequence[str]) -> Iterator[str]:
    """Give every spelling in which what was hidden of a command line may stand in a message."""
    for word, shown in _judged(words):
        if shown == word:
            continue
        value = word.partition("=")[2] if word.startswith("-") else word
        for part in (value, value.partition(":")[2], *re.split(r"[=,#]", value)):
            path = PurePath(part)
            for name in (part, path.name, path.stem, _absolute(part)):
                yield from (one for one in (name, repr(name)[1:-1]) if len(one) >= _LEAST_LETTERS)


def _absolute(part: str) -> str:
    try:
        return str(Path(part).absolute()) if part else ""
    except (OSError, ValueError):  # the current folder is gone
        return ""


def _homes() -> Iterable[str]:
    """Give the spellings of the home folder, the longest first."""
    found: set[str] = set()
    for variable in ("HOME", "USERPROFILE"):
        if len(folder := os.environ.get(variable, "").rstrip("/\\")) >= _LEAST_LETTERS:
            found |= {folder, os.path.realpath(folder)}
    with contextlib.suppress(RuntimeError):  # neither a variable nor the system's list of users knows one
        found.add(str(Path.home()))
    spellings = {*found, *(one.replace("\\", "/") for one in found), *(repr(one)[1:-1] for one in found)}
    return sorted((one for one in spellings if len(one) >= _LEAST_LETTERS), key=len, reverse=True)


def _people() -> Iterable[str]:
    """Give the user's name and the computer's."""
    found = {os.environ.get(variable, "") for variable in ("USER", "LOGNAME", "USERNAME")}
    found |= {PurePath(home).name for home in _homes()}
    try:
        found |= {getpass.getuser(), platform.node()}
    except (OSError, KeyError, ImportError):  # a user without a name, as containers have them
        found.add(platform.node())
    return sorted((one for one in found if len(one) >= _LEAST_LETTERS and one not in _NOBODY), key=len, reverse=True)
