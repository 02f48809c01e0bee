"""How heavy and how long is the page of a run?

    python -m benchmarks.page runs/azdias

Bytes, screens of a phone, printed pages and long tasks, in headless Chromium; needs chromium and
chromedriver on the PATH. Long tasks are those of this machine, with whatever else runs on it.
"""

import argparse
import shutil
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader
from selenium import webdriver

PHONE = (390, 844)
DESK = (1400, 900)
PAPER = {"A4": (8.27, 11.69), "Letter": (8.5, 11.0)}
"""Width and height in inches."""
LONG_TASK = 200
"""Milliseconds from which a task is told."""
_WATCH = (
    "window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries()"
    ".map((task) => task.duration))).observe({ type: 'longtask', buffered: true })"
)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Headless Chromium that is closed in the end."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(flag)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
    )
    try:
        yield driver
    finally:
        driver.quit()


def measure(browser: webdriver.Chrome, report: Path) -> dict[str, str]:
    """Figures of a report by what they are.

    Parameters
    ----------
    report : the folder of index.html and report.pdf
    """
    page, pdf = report / "index.html", report / "report.pdf"
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
    _open(browser, page, PHONE)
    height = browser.execute_script("return document.documentElement.scrollHeight")
    _open(browser, page, DESK)
    tasks = browser.execute_script("return window.tasks")
    printed = {name: _printed(browser, size) for name, size in PAPER.items()}
    return {
        "page, KiB": f"{page.stat().st_size / 1024:.0f}",
        "screens of a phone before details": f"{height / PHONE[1]:.1f}",
        **{f"pages printed on {name}": str(pages) for name, pages in printed.items()},
        "pages of report.pdf": str(len(PdfReader(pdf).pages)),
        "report.pdf, KiB": f"{pdf.stat().st_size / 1024:.0f}",
        "longest task, ms": f"{max(tasks, default=0):.0f}",
        f"tasks over {LONG_TASK} ms": str(sum(task > LONG_TASK for task in tasks)),
    }


def _open(browser: webdriver.Chrome, page: Path, size: tuple[int, int]) -> None:
    width, height = size
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(page.resolve().as_uri())


def _printed(browser: webdriver.Chrome, size: tuple[float, float]) -> int:
    """Number of pages that the browser prints."""
    paper = {"paperWidth": size[0], "paperHeight": size[1], "printBackground": True}
    content = browser.execute_cdp_cmd("Page.printToPDF", paper)["data"]
    return len(PdfReader(BytesIO(b64decode(content))).pages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of the reports of runs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR")
    for run in parser.parse_args(arguments).runs:
        with chromium() as browser:
            for name, figure in measure(browser, run / "report").items():
                print(f"{run.name}: {name}: {figure}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
