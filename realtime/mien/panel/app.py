"""The web application: pages, pictures, uploads and the preview; nothing else has an address."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from nicegui import core, ui

from mien.panel.guard import IS_OWN
from mien.panel.pages.faces import faces_page
from mien.panel.pages.frame import FOR_GUESTS, Frame
from mien.panel.pages.live import live_page
from mien.panel.pages.numbers import numbers_page
from mien.panel.pages.outputs import outputs_page
from mien.panel.pages.people import people_page
from mien.panel.pages.presets import presets_page
from mien.panel.pages.start import start_page
from mien.panel.panel import Panel
from mien.panel.presets import toml_of
from mien.panel.uploads import KINDS
from mien.panel.words import LANGUAGES, N_, THEMES, Words
from mien_models.errors import MienError, UsageError

LANGUAGE_COOKIE: Final = "mien_language"
THEME_COOKIE: Final = "mien_theme"
_FULL: Final = N_("There are many photos here already. Forget some on the faces page.")
_LOST: Final = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Mien</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body{{margin:0;min-height:100vh;display:grid;place-content:center;gap:20px;justify-items:center;background:#0c0e12;
color:#f1f4f8;font:18px/1.5 system-ui,sans-serif}}h1{{margin:0;font-size:28px}}a{{color:#86c8ff}}
</style></head><body><h1>{says}</h1><a href="/live">{back}</a></body></html>"""
_NOT_KEPT: Final = {"Cache-Control": "no-store"}


def _models_page(frame: Frame) -> None:
    # It loads what takes networks apart, which nobody needs for the first page.
    from mien.panel.pages.models import models_page

    models_page(frame)


def _machines_page(frame: Frame) -> None:
    from mien.panel.pages.machines import machines_page

    machines_page(frame)


PAGES: Final[Mapping[str, Callable[[Frame], None]]] = {
    "/start": start_page,
    "/live": live_page,
    "/people": people_page,
    "/numbers": numbers_page,
    "/outputs": outputs_page,
    "/presets": presets_page,
    "/faces": faces_page,
    "/models": _models_page,
    "/machines": _machines_page,
}


def make_app(panel: Panel) -> FastAPI:
    """Put the application together; once in a process, since NiceGUI keeps its own in a module."""
    app = FastAPI(title="Mien", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/assets", StaticFiles(directory=str(files("mien.panel") / "assets")), name="assets")
    app.add_api_websocket_route("/preview", panel.previews)
    _add_pictures(app, panel)
    _add_uploads(app, panel)
    _add_files(app, panel)
    _add_lost_page()
    _add_choice(app, "language", LANGUAGE_COOKIE, tuple(LANGUAGES))
    _add_choice(app, "theme", THEME_COOKIE, THEMES)
    for path, build in (*PAGES.items(), ("/", None)):
        _add_page(path, build, panel)
    # Its bar at the top has no name that a screen reader could say, and nothing here loads for long.
    core.app.config.quasar_config["loadingBar"]["skipHijack"] = True
    # What a visitor types is no element's business: no storage, no welcome, no requests to anybody.
    ui.run_with(
        app,
        title="Mien",
        dark=True,
        favicon=Path(str(files("mien.panel") / "assets" / "mien.svg")),
        binding_refresh_interval=None,
        gzip_middleware_factory=None,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=8.0,
    )
    return app


def language_of(request: Request) -> Words:
    """Take the language that was chosen in the panel, else the browser's."""
    return Words.of(request.headers.get("accept-language", ""), request.cookies.get(LANGUAGE_COOKIE))


def _add_page(path: str, build: Callable[[Frame], None] | None, panel: Panel) -> None:
    @ui.page(path, title="Mien", response_timeout=15)
    def page(request: Request) -> Response | None:
        is_own = bool(request.scope.get(IS_OWN))
        if build is None:
            # Whoever has been here wants to see the picture; a guest has nothing to set up.
            return RedirectResponse("/live" if not is_own or panel.knows_the_way else "/start", 303, headers=_NOT_KEPT)
        if not is_own and path not in FOR_GUESTS:
            return RedirectResponse("/live", 303, headers=_NOT_KEPT)
        theme = request.cookies.get(THEME_COOKIE, "")
        frame = Frame(panel, language_of(request), path, theme if theme in THEMES else THEMES[0], is_own=is_own)
        with frame:
            build(frame)
        return None


def _add_pictures(app: FastAPI, panel: Panel) -> None:
    @app.get("/camera/{key}.jpg")
    async def camera(request: Request, key: str, anew: int = 0) -> Response:
        address = await panel.cameras.address_of(key) if request.scope.get(IS_OWN) else None
        if address is None:
            return PlainTextResponse("There is no such camera.", 404)
        shot = await panel.cameras.shot(address, anew=bool(anew))
        if shot.jpeg is None:
            return PlainTextResponse(language_of(request).told(shot.fault or ""), 503, headers=_NOT_KEPT)
        return Response(shot.jpeg, media_type="image/jpeg", headers=_NOT_KEPT)

    @app.get("/photo/{name}/{what}.jpg")
    def photo(request: Request, name: str, what: str) -> Response:
        if what == "sheet" and not request.scope.get(IS_OWN):
            return _for_the_owner()
        try:
            path = panel.photos.picture(name, what if what in {"thumb", "sheet"} else "thumb")
        except UsageError as error:
            return PlainTextResponse(str(error), 404)
        return (
            FileResponse(path, media_type="image/jpeg", headers=_NOT_KEPT)
            if path.is_file()
            else Response(status_code=404)
        )

    @app.get("/face/{key}.jpg")
    async def face(key: str) -> Response:
        jpeg = await panel.faces.thumb(key)
        if jpeg is None:
            return PlainTextResponse("The face cannot be opened.", 404)
        return Response(jpeg, media_type="image/jpeg", headers=_NOT_KEPT)


def _add_uploads(app: FastAPI, panel: Panel) -> None:
    @app.post("/upload/{kind}")
    async def upload(request: Request, kind: str) -> Response:
        # The body is the file: no names, no parts, nothing to be parsed before it is bounded.
        if kind not in {"photo", "model"} or not request.scope.get(IS_OWN):
            return JSONResponse({"fault": "This cannot be sent."}, 403)
        if kind == "photo" and panel.uploads.is_full():
            return JSONResponse({"fault": language_of(request)(_FULL)}, 409)
        try:
            name = await panel.uploads.take(KINDS[kind], request.stream())
        except MienError as error:
            return JSONResponse(
                {"fault": language_of(request).told(str(error))}, 413 if isinstance(error, UsageError) else 507
            )
        return JSONResponse({"name": name})


def _add_files(app: FastAPI, panel: Panel) -> None:
    @app.get("/mien.toml")
    def now(request: Request) -> Response:
        if not request.scope.get(IS_OWN):
            return _for_the_owner()
        status = panel.link.status
        return _toml("mien", None if status is None else toml_of(status.settings))

    @app.get("/preset/{key}/mien.toml")
    def preset(request: Request, key: str) -> Response:
        if not request.scope.get(IS_OWN):
            return _for_the_owner()
        try:
            return _toml("mien", toml_of(panel.presets.find(key).settings))
        except MienError as error:
            return PlainTextResponse(str(error), 404)


def _add_lost_page() -> None:
    """Say that an address is none of the panel's, with a way back."""

    async def lost(request: Request, _error: Exception) -> Response:
        say = language_of(request)
        words = {"says": escape(say("There is no such page.")), "back": escape(say("To the picture"))}
        return HTMLResponse(_LOST.format(language=say.language, **words), 404, headers=_NOT_KEPT)

    core.app.add_exception_handler(404, lost)


def _add_choice(app: FastAPI, what: str, cookie: str, known: Sequence[str]) -> None:
    """Let a browser remember one of a few words."""

    @app.get(f"/{what}/{{wanted}}")
    def choose(wanted: str, page: str = "/") -> Response:
        answer = RedirectResponse(page if page in PAGES else "/", 303, headers=_NOT_KEPT)
        if wanted in known:
            answer.set_cookie(cookie, wanted, max_age=31536000, httponly=True, samesite="strict")
        return answer


def _for_the_owner() -> Response:
    return PlainTextResponse("This is shown on the computer itself only.", 403)


def _toml(name: str, text: str | None) -> Response:
    if text is None:
        return PlainTextResponse("No session runs.", 404)
    disposition = {"Content-Disposition": f'attachment; filename="{name}.toml"', **_NOT_KEPT}
    return PlainTextResponse(text, media_type="application/toml", headers=disposition)
