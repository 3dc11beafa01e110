"""Takes the documentation's pictures of paper and explorer from a finished run: `python -m tests.pictures [FOLDER]`.

Without a folder those in docs/images; with one, every view on a desktop and, whole, on a telephone, to look at.
Chromium draws the explorer, poppler's pdftoppm the paper.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from paper.explorer.browser import DESKTOP, PHONE, Browser, running
from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
PAPER = PROJECT / "paper/china_provinces/en"
IMAGES = PROJECT / "docs/images"
VIEWS = ("where", "estimates", "multiverse", "spread", "whatif", "tables")
SHOWN = {
    "explorer_where": ("view=where", DESKTOP),
    "explorer_multiverse": ("view=multiverse", DESKTOP),
    "explorer_spread": ("view=spread&lang=zh&theme=dark", DESKTOP),
    "explorer_whatif": ("view=whatif", DESKTOP),
    "explorer_phone": ("view=where", PHONE),
}


def take(browser: Browser, target: Path, address: str, size: tuple[int, int], whole: bool = False) -> None:
    """Save what a view shows, in few colours; `whole` goes down to its foot."""
    browser.open(PAPER / "explorer.html", address, size)
    if whole:
        height = browser.run("document.documentElement.scrollHeight")
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=height, deviceScaleFactor=1, mobile=True
        )
    data = base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"])
    with Image.open(BytesIO(data)) as image:
        image.convert("RGB").quantize(128).save(target, optimize=True)


def leaf(target: Path, pages: tuple[int, int] = (1, 4)) -> None:
    """Save pages of the paper side by side."""
    sides = []
    for page in pages:
        command = ["pdftoppm", "-r", "60", "-f", str(page), "-l", str(page), "-png", str(PAPER / "paper.pdf")]
        sides.append(Image.open(BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)).convert("L"))
    both = Image.new("L", (sum(side.width for side in sides) + 10, sides[0].height), 120)
    for k, side in enumerate(sides):
        both.paste(side, (k * (sides[0].width + 10), 0))
    both.quantize(16).save(target, optimize=True)


def main() -> None:
    """Take the pictures."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else None
    with tempfile.TemporaryDirectory() as profile, running(Path(profile) / "browser") as browser:
        if folder is None:
            for name, (address, size) in SHOWN.items():
                take(browser, IMAGES / f"{name}.png", address, size)
            leaf(IMAGES / "paper.png")
            return
        folder.mkdir(parents=True, exist_ok=True)
        for view in VIEWS:
            take(browser, folder / f"{view}_desktop.png", f"view={view}", DESKTOP)
            take(browser, folder / f"{view}_phone.png", f"view={view}", PHONE, whole=True)


if __name__ == "__main__":
    main()
