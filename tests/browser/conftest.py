"""Chromium for the tests that look at a page: headless, driven by Debian's chromedriver, with a profile of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from chromium import Browser
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

REQUIRED = "DOCKERFIX_REQUIRE_BROWSER"
PROGRAMS = ("chromium", "chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    paths = {name: shutil.which(name) for name in PROGRAMS}
    if missing := [name for name, path in paths.items() if path is None]:
        reason = f"not installed: {', '.join(missing)}"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = paths["chromium"]
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options, Service(paths["chromedriver"]))
    try:
        yield Browser(driver, tmp_path_factory.mktemp("pages"))
    finally:
        driver.quit()
