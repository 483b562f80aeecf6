// What the browser does by itself: keys, uploads, short messages. Everything else is told to the panel.
(() => {
  "use strict";

  const TYPES_INTO = "input:not([type=range]):not([type=checkbox]):not([type=file]), textarea, select, [contenteditable]";
  const TAKES_SPACE = "button, a, summary, input, select, textarea, [tabindex]:not([tabindex='-1'])";

  window.mienToast = (text, kind) => {
    const place = document.getElementById("toasts");
    if (!place) return;
    const one = document.createElement("div");
    one.className = `toast is-${kind}`;
    one.textContent = text;
    place.append(one);
    setTimeout(() => one.remove(), kind === "bad" ? 9000 : 4500);
    while (place.children.length > 3) place.firstElementChild.remove();
  };

  window.mienCopy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Over the local network a page may not use the clipboard itself.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    window.mienToast("✓", "good");
  };

  // Keys ---------------------------------------------------------------------------------------------------------------

  const press = (selector) => {
    const one = document.querySelector(selector);
    if (one && !one.disabled) one.click();
  };

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || at.matches?.(TYPES_INTO)) return;
    if (event.key === "p" || event.key === "P") press("[data-panic]");
    else if (event.key === " " && !at.matches?.(TAKES_SPACE)) {
      event.preventDefault();
      press("[data-panic]");
    } else if (/^[1-9]$/.test(event.key)) press(`[data-key="${event.key}"]`);
  });

  // A button that was clicked keeps the focus, and would take the next press of space for itself.
  document.addEventListener("pointerup", (event) => {
    const one = event.target.closest?.("button, summary, a");
    if (one) setTimeout(() => one.blur(), 0);
  });

  // Uploads ------------------------------------------------------------------------------------------------------------

  const send = (input, file) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const zone = input.closest(".drop");
      const tell = (detail) => {
        zone?.style.removeProperty("--part");
        zone?.classList.remove("is-busy");
        input.dispatchEvent(new CustomEvent("uploaded", { detail }));
        resolve();
      };
      zone?.classList.add("is-busy");
      request.upload.onprogress = (event) => zone?.style.setProperty("--part", String(event.loaded / event.total));
      request.onload = () => {
        try {
          tell(JSON.parse(request.responseText));
        } catch {
          tell({ fault: request.responseText || request.statusText });
        }
      };
      request.onerror = () => tell({ fault: "✗" });
      request.open("POST", `/upload/${input.dataset.upload}`);
      request.send(file);
    });

  const sendAll = async (input, files) => {
    for (const file of input.multiple ? files : [...files].slice(0, 1)) await send(input, file);
    input.value = "";
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-upload]")) sendAll(event.target, event.target.files);
  });
  const zoneOf = (event) => event.target.closest?.(".drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zoneOf(event)?.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => zoneOf(event)?.classList.remove("is-over"));
  document.addEventListener("drop", (event) => {
    // A file that is dropped beside the place would open in the browser, in the panel's stead.
    event.preventDefault();
    const zone = zoneOf(event) ?? (event.dataTransfer.files.length ? document.querySelector(".drop") : null);
    zone?.classList.remove("is-over");
    const input = zone?.querySelector("[data-upload]");
    if (input && event.dataTransfer.files.length) sendAll(input, event.dataTransfer.files);
  });

  // Many faces, of which one is looked for -------------------------------------------------------------------------------

  document.addEventListener("input", (event) => {
    const what = event.target.dataset?.find;
    if (!what) return;
    const wanted = event.target.value.trim().toLocaleLowerCase();
    for (const one of document.querySelectorAll(what))
      one.classList.toggle("is-passed", !one.textContent.toLocaleLowerCase().includes(wanted));
  });

  // Pictures of cameras that do not come -------------------------------------------------------------------------------

  document.addEventListener(
    "error",
    async (event) => {
      const image = event.target;
      if (!image.matches?.("img[data-shot]")) return;
      image.hidden = true;
      const place = image.nextElementSibling;
      if (place) place.textContent = await (await fetch(image.src)).text();
    },
    true
  );

  // Faces that are drawn onto people -----------------------------------------------------------------------------------

  document.addEventListener("dragstart", (event) => {
    const one = event.target.closest?.("[data-face]");
    if (one) event.dataTransfer.setData("text/x-mien-face", one.dataset.face);
  });
  document.addEventListener("drop", (event) => {
    const person = event.target.closest?.("[data-person]");
    const face = event.dataTransfer.getData("text/x-mien-face");
    if (person && face) person.dispatchEvent(new CustomEvent("given", { detail: face }));
  });
})();

// Whether the panel answers: what stands on the page is old while it does not ------------------------------------------
(() => {
  "use strict";

  const watch = () => {
    // The library's own sign of it, which it shows in its own words.
    const sign = document.getElementById("popup");
    if (!sign) return;
    const tell = () => {
      const isAway = sign.ariaHidden === "false";
      document.body.classList.toggle("is-away", isAway);
      for (const bar of document.querySelectorAll("[data-away]")) bar.hidden = !isAway;
    };
    new MutationObserver(tell).observe(sign, { attributes: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
