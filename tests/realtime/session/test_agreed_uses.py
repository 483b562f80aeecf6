"""A use that nobody agreed to yet: a person is asked, a program is told what to do."""

from pathlib import Path

import pytest

from mien.config.choices import ConsentKind
from mien.consent.add_face import Request, add_face, face_library
from mien.consent.terms import ConsentError, Scope
from mien.session.options import FaceOptions
from mien.session.source_faces import agreed_source_faces

OPTIONS = FaceOptions(("Anna",), None, "largest", "none")


@pytest.fixture(autouse=True)
def _anna(monkeypatch: pytest.MonkeyPatch, portrait_png: Path) -> None:
    monkeypatch.setenv("MIEN_PASSPHRASE", "several plain words")
    add_face(Request((str(portrait_png),), "Anna", ConsentKind.PUBLIC_DOMAIN, ("live",), None, None))


def test_whoever_agrees_is_asked_once() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "y\n"

    for _ in range(2):
        faces = agreed_source_faces(OPTIONS, "mesh", (Scope.LIVE, Scope.STREAMING), ask)
        faces.allow(Scope.STREAMING)
        assert faces.faces[0][0].photo_bgr.size
    assert len(asked) == 1
    assert "'Anna' may be used for live" in asked[0]
    assert "streamed to the public" in asked[0]
    assert face_library().named("Anna").terms.scope == (Scope.LIVE, Scope.STREAMING)
    assert len(face_library().faces()) == 1


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "perhaps\n"])
def test_whoever_does_not_agree_changes_nothing(answer: str) -> None:
    with pytest.raises(ConsentError, match="not for streaming"):
        agreed_source_faces(OPTIONS, "mesh", (Scope.STREAMING,), lambda _: answer)
    assert face_library().named("Anna").terms.scope == (Scope.LIVE,)


def test_a_program_is_told_what_to_do() -> None:
    with pytest.raises(ConsentError, match="add it anew with --scope streaming"):
        agreed_source_faces(OPTIONS, "mesh", (Scope.STREAMING,), None)
