"""The elements that pages are made of: the browser's own, so that keyboards and screen readers know them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

Act: TypeAlias = Callable[[], Awaitable[object]]
Take: TypeAlias = Callable[[str], Awaitable[object]]
_VALUE: Final = "(e) => emit(e.target.value)"
_KEPT_VALUE: Final = "(e) => { element.props.value = e.target.value; emit(e.target.value); }"
_KEPT_CHECK: Final = "(e) => { element.props.checked = e.target.checked; emit(e.target.checked); }"
"""The page is drawn anew four times a second, each time with what it knows of a control: it has to know of a move."""
_SLIDING_S: Final = 0.12


class Words(TextElement):
    """An element with a text; whatever stands in it is shown as text."""

    def __init__(self, tag: str, text: str = "", classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)


def box(classes: str = "", tag: str = "div", **attributes: object) -> ui.element:
    """Make an element, to be filled where it is entered."""
    element = ui.element(tag).classes(classes)
    put(element, **attributes)
    return element


def words(text: str, classes: str = "", tag: str = "p") -> Words:
    """Make a text."""
    return Words(tag, text, classes)


def icon(name: str, classes: str = "") -> ui.element:
    """Make a sign that says nothing on its own: screen readers pass over it."""
    return box(f"i i-{name} {classes}", "i", aria_hidden="true")


def put(element: ui.element, **attributes: object) -> None:
    """Set attributes where they differ; '_' is '-', None takes one away."""
    for name, value in attributes.items():
        key = name.rstrip("_").replace("_", "-")
        if value is None:
            if key in element.props:
                del element.props[key]
        elif element.props.get(key) != value:
            element.props[key] = value


def show(element: ui.element, *, is_shown: bool) -> None:
    """Show an element or take it out of sight, and out of the reach of keys and screen readers."""
    put(element, hidden=None if is_shown else True)


def state_class(element: ui.element, prefix: str, state: str) -> None:
    """Let an element have one class of a family: `live` of `is-`."""
    wanted = f"{prefix}{state}"
    now: list[str] = [str(one) for one in element.classes]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    others = [one for one in now if one.startswith(prefix) and one != wanted]
    if others:
        element.classes(remove=" ".join(others))
    if wanted not in now:
        element.classes(wanted)


def button(
    text: str, act: Act | None = None, classes: str = "", sign: str = "", *, label: str | None = None
) -> ui.element:
    """Make a button; `label` says what it does where its text alone does not."""
    element = box(f"btn {classes}", "button", type="button", aria_label=label)
    with element:
        if sign:
            icon(sign)
        if text:
            words(text, tag="span")
    if act is not None:
        element.on("click", act, args=[])
    return element


def link(text: str, address: str, classes: str = "", sign: str = "") -> ui.element:
    """Make a link to a page of the panel."""
    element = box(classes, "a", href=address)
    with element:
        if sign:
            icon(sign)
        words(text, tag="span")
    return element


def switch(label: str, take: Callable[[bool], Awaitable[object]], *, is_on: bool) -> ui.element:
    """Make a switch with its label."""
    with box("switch", "label"):
        knob = box("", "input", type="checkbox", role="switch", checked=True if is_on else None)
        box("switch-track", "span", aria_hidden="true")
        words(label, tag="span")

    async def changed(event: GenericEventArguments) -> None:
        _known(knob, "checked", True if event.args else None)
        await take(bool(event.args))

    knob.on("change", changed, js_handler=_KEPT_CHECK)
    return knob


def slider(label: str, take: Take, *, low: float, high: float, step: float, value: float) -> ui.element:
    """Make a slider, which tells while it moves."""
    element = box(
        "slider", "input", type="range", min=low, max=high, step=step, value=value, aria_label=label, autocomplete="off"
    )

    async def moved(event: GenericEventArguments) -> None:
        _known(element, "value", str(event.args))
        await take(str(event.args))

    element.on("input", moved, throttle=_SLIDING_S, js_handler=_KEPT_VALUE)
    return element


def choice(label: str, choices: dict[str, str], take: Take, *, value: str) -> ui.element:
    """Make a list to choose one of: text by value."""
    element = box("select", "select", aria_label=label, value=value)
    choose_among(element, choices, value)

    async def chosen(event: GenericEventArguments) -> None:
        options: Any = element.default_slot.children
        known = {str(one.props.get("value")) for one in options}
        if str(event.args) in known:
            _known(element, "value", str(event.args))
            await take(str(event.args))

    element.on("change", chosen, js_handler=_KEPT_VALUE)
    return element


def choose_among(element: ui.element, choices: dict[str, str], value: str) -> None:
    """Let a list have other choices."""
    element.clear()
    with element:
        for key, text in choices.items():
            put(words(text, tag="option"), value=key, selected=True if key == value else None)


def text_field(label: str, placeholder: str = "", *, longest: int = 60, kind: str = "text") -> ui.element:
    """Make a field for one line; `value_of` reads it."""
    field = box(
        "field", "input", type=kind, aria_label=label, placeholder=placeholder, maxlength=longest, autocomplete="off"
    )

    def keep(event: GenericEventArguments) -> None:
        # Not told back to the browser, which has it already and may be further.
        with field.props.suspend_updates():
            field.props["data-text"] = str(event.args)[:longest]

    field.on("input", keep, js_handler=_VALUE)
    return field


def secret_field(label: str, placeholder: str, *, show: str, longest: int = 500) -> ui.element:
    """Make a field whose text is not seen on a stream, with a button that shows it; `value_of` reads it."""
    with box("secret"):
        field = text_field(label, placeholder, longest=longest, kind="password")
        eye = button("", None, "btn-small btn-eye", "reveal", label=show)
        eye.on(
            "click",
            js_handler="(e) => { const one = e.currentTarget.previousElementSibling; "
            "one.type = one.type === 'password' ? 'text' : 'password'; }",
        )
    return field


def empty(field: ui.element) -> None:
    """Take away what stands in a text field."""
    with field.props.suspend_updates():
        field.props["data-text"] = ""
    field.client.run_javascript(f"getHtmlElement({field.id}).value = ''")


def value_of(field: ui.element) -> str:
    """Give what stands in a text field."""
    attributes: Any = field.props
    return str(attributes.get("data-text", "")).strip()


def copy_line(command: str, label: str) -> None:
    """Show a command with a button that copies it."""
    with box("command"):
        words(command, tag="code")
        copy = button("", None, "btn-small", "copy", label=label)
        copy.on("click", js_handler=f"() => mienCopy({_js(command)})")


def drop_zone(
    label: str, hint: str, kind: str, *, take: Take, refuse: Take, accept: str, is_several: bool = False
) -> ui.element:
    """Make a place that files are dropped on or chosen with; `take` gets the name that a file has here."""
    zone = box("drop", "label")
    with zone:
        icon("upload", "drop-sign")
        words(label, "drop-label", "span")
        words(hint, "drop-hint", "span")
        chooser = box(
            "drop-input",
            "input",
            type="file",
            accept=accept,
            aria_label=label,
            multiple=True if is_several else None,
            data_upload=kind,
        )
        put(box("drop-bar", "span", aria_hidden="true"), data_bar="")

    async def done(event: GenericEventArguments) -> None:
        said: Any = event.args
        await (refuse if said.get("fault") else take)(str(said.get("fault") or said.get("name", "")))

    chooser.on("uploaded", done, js_handler="(e) => emit(e.detail)")
    return zone


def _known(element: ui.element, name: str, value: object) -> None:
    """Note what the browser shows already, without telling it: what is in force is told where it differs."""
    attributes: Any = element.props
    with attributes.suspend_updates():
        attributes[name] = value


def _js(text: str) -> str:
    import json

    return json.dumps(text)
