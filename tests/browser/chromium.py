"""Chromium as the tests use it: one window, which shows a page and tells what the page did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium import webdriver

HEIGHT = 900


class Browser:
    """Shows one page after another, and tells what each asked for and complained of."""

    def __init__(self, driver: webdriver.Chrome, directory: Path) -> None:
        self.driver = driver
        self._page = directory / "page.html"

    def show(self, page: str, *, width: int = 1200, scheme: str = "light", media: str = "") -> None:
        """Load a page from a file, in a window of that width in CSS pixels."""
        self._page.write_bytes(page.encode("utf-8"))
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": width < 500}
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        self.driver.get("about:blank")
        for log in ("performance", "browser"):
            self.driver.get_log(log)
        self.driver.get(self._page.as_uri())

    def run(self, script: str) -> Any:
        """Return what a function body in JavaScript returns."""
        return self.driver.execute_script(script)

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was shown, its own apart."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if url != self._page.as_uri()]

    def complaints(self) -> list[str]:
        """Return what the console shows since the page was shown."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
