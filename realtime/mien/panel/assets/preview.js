// <mien-preview>: asks for one picture after another over a WebSocket of its own and draws it; asks for none while it is
// not seen. Beside it, for the person at this machine, the camera's own picture: while a key or button is held, or split.
(() => {
  "use strict";

  const SENT = 115; // "s"
  const AGAIN_MS = 1000;

  class MienPreview extends HTMLElement {
    connectedCallback() {
      if (this.sent) return this.begin();
      const make = (tag, name) => Object.assign(document.createElement(tag), { className: name });
      this.sent = make("canvas", "preview-sent");
      this.camera = make("canvas", "preview-camera");
      this.waiting = make("div", "preview-waiting");
      this.waiting.textContent = this.dataset.waiting;
      this.tagSent = make("span", "preview-tag is-sent");
      this.tagSent.textContent = this.dataset.sent;
      this.tagCamera = make("span", "preview-tag is-camera");
      this.tagCamera.textContent = this.dataset.camera;
      this.bar = make("input", "preview-split");
      Object.assign(this.bar, { type: "range", min: 0, max: 100, value: 50, step: 1 });
      this.bar.setAttribute("aria-label", this.dataset.split);
      this.bar.addEventListener("input", () => this.place());
      this.append(this.sent, this.camera, this.waiting, this.tagSent, this.tagCamera, this.bar);
      this.canCompare = "compare" in this.dataset;
      this.isHeld = this.isSplit = false;
      this.onkey = (event) => this.key(event);
      this.onpointer = (event) => this.pointer(event);
      this.onvisible = () => this.ask();
      this.begin();
    }

    begin() {
      this.isHere = true;
      this.place();
      if (this.canCompare) {
        for (const type of ["keydown", "keyup"]) document.addEventListener(type, this.onkey);
        for (const type of ["pointerdown", "pointerup", "pointercancel"]) document.addEventListener(type, this.onpointer);
        document.addEventListener("click", this.onpointer);
        window.addEventListener("blur", this.onblur = () => this.hold(false));
      }
      document.addEventListener("visibilitychange", this.onvisible);
      this.connect();
    }

    disconnectedCallback() {
      this.isHere = false;
      this.socket?.close();
      for (const type of ["keydown", "keyup"]) document.removeEventListener(type, this.onkey);
      for (const type of ["pointerdown", "pointerup", "pointercancel", "click"]) document.removeEventListener(type, this.onpointer);
      document.removeEventListener("visibilitychange", this.onvisible);
      window.removeEventListener("blur", this.onblur);
    }

    connect() {
      if (!this.isHere) return;
      this.socket = new WebSocket(`ws://${location.host}/preview`);
      this.socket.binaryType = "arraybuffer";
      this.isAsked = false;
      this.socket.onopen = () => this.ask();
      this.socket.onmessage = (event) => this.take(event.data);
      this.socket.onclose = () => setTimeout(() => this.connect(), AGAIN_MS);
    }

    // One picture in flight: it is asked for when the last one was drawn.
    ask() {
      if (document.hidden || this.isAsked || this.socket?.readyState !== WebSocket.OPEN) return;
      this.isAsked = true;
      const width = Math.round(this.clientWidth * Math.min(devicePixelRatio || 1, 1.5)) || 320;
      this.socket.send(JSON.stringify({ width, camera: this.isHeld || this.isSplit }));
    }

    async take(data) {
      if (typeof data === "string") {
        this.classList.remove("has-picture");
        this.isAsked = false;
        return setTimeout(() => this.ask(), 100);
      }
      const isSent = new Uint8Array(data, 0, 1)[0] === SENT;
      try {
        const picture = await createImageBitmap(new Blob([new Uint8Array(data, 1)], { type: "image/jpeg" }));
        const canvas = isSent ? this.sent : this.camera;
        if (canvas.width !== picture.width || canvas.height !== picture.height) {
          canvas.width = picture.width;
          canvas.height = picture.height;
          if (isSent) this.style.aspectRatio = `${picture.width} / ${picture.height}`;
        }
        canvas.getContext("2d").drawImage(picture, 0, 0);
        picture.close();
      } catch {
        // A picture that cannot be drawn is followed by the next one.
      }
      if (!isSent) return;
      this.classList.add("has-picture");
      this.dataset.drawn = String(Number(this.dataset.drawn || 0) + 1);
      this.isAsked = false;
      requestAnimationFrame(() => this.ask());
    }

    key(event) {
      if (event.key !== "o" && event.key !== "O") return;
      if (event.target.matches?.("input:not([type=range]), textarea, select")) return;
      this.hold(event.type === "keydown");
    }

    pointer(event) {
      const at = event.target.closest?.("[data-hold], [data-split-toggle]");
      if (event.type === "click") {
        if (at && "splitToggle" in at.dataset) this.split(at);
      } else if (event.type === "pointerdown") {
        if (at && "hold" in at.dataset) this.hold(true);
      } else this.hold(false);
    }

    hold(isHeld) {
      this.isHeld = isHeld;
      this.place();
    }

    split(button) {
      this.isSplit = !this.isSplit;
      button.setAttribute("aria-pressed", String(this.isSplit));
      this.place();
    }

    place() {
      this.classList.toggle("is-held", this.isHeld);
      this.classList.toggle("is-split", this.isSplit && !this.isHeld);
      this.bar.hidden = !(this.isSplit && !this.isHeld);
      this.style.setProperty("--split", `${this.bar.value}%`);
    }
  }

  customElements.define("mien-preview", MienPreview);
})();
