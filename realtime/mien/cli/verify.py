"""`mien verify`: whether a picture or video says that a face in it was replaced."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from mien.cli import flags
from mien_models.system.printable import json_text


def verify(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="FILE|URL", help="Picture or video, here or on the web.")],
    as_json: flags.Json = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Look at all of a video, not only up to the first mark.")
    ] = False,
    trust: Annotated[
        Path | None, typer.Option(metavar="FILE.pem", help="Authorities whose signatures of Content Credentials count.")
    ] = None,
    timeline: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw when the mark was found; looks at the whole.")
    ] = None,
) -> None:
    """Look for Mien's invisible mark and for Content Credentials.

    A mark says that a face was replaced, and in which session. That none is found says nothing about authenticity.
    """
    from mien.cli.console import download_bar, progress_bar, terminal

    with terminal(is_debug=bool(context.obj)) as console:
        from mien.diagnostics.verify.answer import answer, words
        from mien.diagnostics.verify.c2pa_reader import read_credentials
        from mien.diagnostics.verify.frames import MediaFrames, local_copy
        from mien.diagnostics.verify.scan import scan_frames
        from mien.session.audit import local_audit_log, what_is_known
        from mien_models.system.freed_memory import keep_freed_memory

        keep_freed_memory()
        with ExitStack() as stack:
            with download_bar(console, target) as show_download:
                path = stack.enter_context(local_copy(target, show_download))
            media_frames = MediaFrames(path)
            credentials = read_credentials(path, trust)
            with progress_bar(console, "looking") as show:
                found = scan_frames(
                    media_frames,
                    is_whole=whole or timeline is not None,
                    progress=lambda done_s, all_s: show(round(done_s), None if all_s is None else round(all_s)),
                )
            audit_log = local_audit_log()
            result = answer(found, media_frames, credentials, lambda session: what_is_known(audit_log, session))
        if timeline is not None:
            from mien.diagnostics.verify.scan import write_timeline

            write_timeline(timeline, found, Path(target).name)
        print(json_text(result) if as_json else words(result, is_still=media_frames.is_still))
