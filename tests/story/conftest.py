"""The running product, as `dure run` starts it on a fresh home, and a real browser in front of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests import mould
from tests.patience import eventually
from tests.project.test_run import health, two_free_ports

# How long a page may take decides no test: two browsers and two products share the processor with another worker's tests.
expect.set_options(timeout=45_000)

PICTURES = Path(__file__).resolve().parents[2] / "test-results"
PHONE = {"width": 360, "height": 760}
DESK = {"width": 1280, "height": 800}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Product:
    """A whole Dure with its demo neighbourhood."""

    url: str
    demo: dict[str, Any]
    env: dict[str, str]

    def run(self, *command: str) -> str:
        """What a command says that runs beside the product, on the same home and the same database."""
        return subprocess.run(
            [sys.executable, "-m", *command], env=self.env, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def dure(self, *verb: str) -> str:
        """What `dure` says to a verb."""
        return self.run("dure.project.cli", *verb)

    def table(self, shop: str, number: int = 1) -> str:
        """The address that a table's code leads to."""
        path = next(t["path"] for t in self.demo["tables"] if t["shop"] == shop and t["table"] == str(number))
        return f"{self.url}{path}"

    def login(self, role: str, shop: str | None = None) -> dict[str, str]:
        """A demo login."""
        found: dict[str, str] = next(
            one for one in self.demo["logins"] if one["role"] == role and shop in (None, one.get("shop"))
        )
        return found


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Product]:
    home, port = tmp_path_factory.mktemp("story") / "home", two_free_ports()
    said = home.parent / "output"
    env = {k: v for k, v in os.environ.items() if k != "DURE_DATABASE_URL"}
    env |= {"DURE_HOME": str(home), "DURE_PORT": str(port), "DURE_SANDBOX_URL": f"http://127.0.0.1:{port + 1}"}
    env["DURE_PEOPLE"] = "0"  # the network's million is built in the background, and no page walked here asks it
    with said.open("w") as output, mould.settled(home) as env["DURE_DATABASE_URL"]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dure.project.cli", "run"], env=env, stdout=output, stderr=output
        )
        try:
            eventually(lambda: health(port)[0] == 200 or process.poll() is not None, within=300)
            assert process.poll() is None, said.read_text()
            demo = json.loads((home / "demo.json").read_text())
            yield Product(f"http://127.0.0.1:{port}", demo, env)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(300)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one file: while it lives its event loop runs, and Django's own tests must not meet that."""
    with sync_playwright() as playwright:
        chosen = os.environ.get("DURE_CHROMIUM") or None
        with playwright.chromium.launch(executable_path=chosen, args=CHROMIUM_FLAGS) as launched:
            yield launched


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open a fresh browser: a phone by default. A page that logs an error or breaks the security policy fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(*, size: dict[str, int] | None = None, language: str = "ko-KR", **more: Any) -> Page:
        context = browser.new_context(viewport=size or PHONE, locale=language, **more)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said.type, said.text) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints


def _is_complaint(kind: str, text: str) -> bool:
    return kind == "error" and "net::ERR_INTERNET_DISCONNECTED" not in text and "Failed to load resource" not in text


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A story that fails says what its pages showed."""
    report = yield
    browser: Browser | None = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and browser is not None:
        for page in (page for context in browser.contexts for page in context.pages):
            with suppress(PlaywrightError):
                shown = page.evaluate("document.body?.innerText.slice(0, 1500) ?? ''")
                report.sections.append((f"the page {page.url}", shown))
    return report


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep what a page looks like, on a narrow phone and on a desk, under test-results/."""
    PICTURES.mkdir(exist_ok=True)

    def take(page: Page, name: str) -> None:
        before = page.viewport_size
        for size, suffix in ((PHONE, "phone"), (DESK, "desk")):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.screenshot(path=PICTURES / f"{name}-{suffix}.png")
        if before:
            page.set_viewport_size(before)

    return take


def unfit_for_an_eye(page: Page) -> list[tuple[str, str, list[str]]]:
    """What axe finds on this page: everything in the dark, and in the light what depends on its colours. The page's browser must
    ask for reduced motion."""
    found = []
    for theme, asked in (("dark", {}), ("light", {"runOnly": ["color-contrast", "link-in-text-block"]})):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        looked = Axe().run(page, options={"resultTypes": ["violations"], **asked}).response
        assert looked["passes"]
        found += [
            (theme, fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in looked["violations"]
        ]
    return found


def log_in(page: Page, product: Product, login: dict[str, str]) -> None:
    """Log in with a demo login and land where it leads."""
    page.goto(product.url + login["path"])
    page.locator("input[name=login]").fill(login["email"])
    page.locator("input[name=password]").fill(login["password"])
    page.get_by_role("button", name="계속하기").click()
    page.wait_for_url(lambda url: urlsplit(url).path.startswith(login["path"]))
