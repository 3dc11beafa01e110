"""Drives a real Chromium by its own protocol: clicks, keys, sizes, themes, screenshots, and every error it reports."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DESKTOP, PHONE = (1280, 800), (390, 844)


class Browser:
    """One page of a running Chromium."""

    def __init__(self, socket: object, saved: Path) -> None:
        self.socket, self.saved, self.count, self.errors = socket, saved, 0, []

    def call(self, method: str, **parameters: object) -> dict:
        """Send a command and return its answer; errors that the page reports meanwhile are kept."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"].get("exception", {}).get("description", "?"))
            elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] in (
                "error",
                "warning",
            ):
                self.errors.append(message["params"]["entry"]["text"])
            elif message.get("method") == "Runtime.consoleAPICalled" and message["params"]["type"] == "error":
                self.errors.append(json.dumps(message["params"]["args"]))
            if message.get("id") == self.count:
                assert "error" not in message, message
                return message["result"]

    def run(self, script: str) -> object:
        """Return the value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, path: Path, address: str = "", size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Open a file at a size and in a theme, and wait until it has drawn itself."""
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.as_uri() + (f"#{address}" if address else ""))
        self.until("document.querySelector('main')?.childElementCount > 0 && document.readyState === 'complete'")

    def until(self, condition: str) -> None:
        """Wait until a condition holds in the page; what it waited for is named where it never does."""
        for _ in range(400):
            if self.run(f"Boolean({condition})"):
                return
            time.sleep(0.025)
        raise AssertionError(f"never true in the page: {condition}; errors: {self.errors}")

    def click(self, selector: str) -> None:
        """Click the middle of an element, as a mouse does."""
        box = self.run(
            f"(() => {{ const n = document.querySelector({json.dumps(selector)});"
            " n.scrollIntoView({block: 'nearest'});"
            " const b = n.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.click_at(*box)

    def click_at(self, x: float, y: float) -> None:
        """Click a point of the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **pressed)

    def press(self, key: str) -> None:
        """Press a key on what has the focus."""
        code = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "Enter": 13, " ": 32,
                "Home": 36, "End": 35}[key]  # fmt: skip
        text = {"Enter": "\r", " ": " "}.get(key)
        for kind in ("keyDown", "keyUp"):
            said = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **said)

    def choose(self, key: str, value: str) -> None:
        """Choose an option of the control that is called so."""
        self.run(
            f"(() => {{ const n = document.querySelector('[data-key=\"{key}\"]'); n.focus();"
            f" n.value = {json.dumps(value)};"
            " n.dispatchEvent(new Event(n.tagName === 'SELECT' ? 'change' : 'input', {bubbles: true})); })()"
        )

    def download(self, selector: str) -> tuple[str, str]:
        """Click what saves a file, and return the file's name and text."""
        for old in self.saved.iterdir():
            old.unlink()
        self.click(selector)
        for _ in range(200):
            found = [p for p in self.saved.iterdir() if p.suffix != ".crdownload" and p.stat().st_size]
            if found:
                return found[0].name, found[0].read_text(encoding="utf-8")
            time.sleep(0.025)
        raise AssertionError(f"{selector} saved nothing")

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and end it and its children afterwards."""
    name = next(filter(None, map(shutil.which, BROWSERS)), None)
    if name is None:
        pytest.skip("no Chromium here: the explorer is not tried in a browser (Debian: apt install chromium)")
    from websockets.sync.client import connect

    profile, saved = folder / "profile", folder / "saved"
    saved.mkdir(parents=True)
    command = [name, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        with connect(_address(profile, process), max_size=None) as socket:
            page = Browser(socket, saved)
            for part in ("Page", "Runtime", "Log"):
                page.call(f"{part}.enable")
            page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(saved))
            yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _address(profile: Path, process: subprocess.Popen) -> str:
    """Return where the first page of a starting Chromium listens."""
    import urllib.request

    for _ in range(1200):
        port = profile / "DevToolsActivePort"
        if port.exists() and "\n" in port.read_text():
            with urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json") as answer:
                pages = [target for target in json.load(answer) if target["type"] == "page"]
            if pages:
                return pages[0]["webSocketDebuggerUrl"]
        assert process.poll() is None, "Chromium ended as it started"
        time.sleep(0.025)
    raise AssertionError("Chromium did not listen within 30 seconds")
