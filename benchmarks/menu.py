"""What the first look at a menu costs a phone: bytes, requests, and time until the largest thing is painted.

    make bench-menu              (or: python -m benchmarks.menu --runs 7)

A whole Dure runs in a home of its own; a real Chromium, empty every time, looks at the demo's noodle house through the
browser's own throttling: slow 4G (1.6 Mbit/s down, 0.75 up, 150 ms) with a processor four times slower, and without. The
million people of the audience demo, whom the worker makes behind the first start for minutes, are left out: DURE_PEOPLE=1000000
puts them in.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

RESULTS = Path(__file__).parent / "results"
SLOW_4G = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = """
window.lcp = 0; window.largest = ""; window.shift = 0;
const labelled = e => e.url ? e.url.replace(location.origin, "") : (e.element ? e.element.tagName.toLowerCase() : "");
new PerformanceObserver(list => { for (const e of list.getEntries()) { window.lcp = e.startTime; window.largest = labelled(e) } })
  .observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value })
  .observe({ type: "layout-shift", buffered: true });
"""
SEEN = """({
  lcp: window.lcp / 1000,
  shift: window.shift,
  first_byte: performance.getEntriesByType("navigation")[0].responseStart / 1000,
  paint: (performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0) / 1000,
})"""
STEP = re.compile(r"✓ (.+?) +([\d.]+) s$")


def look(browser: Browser, address: str, *, slower: int) -> tuple[dict[str, float], str]:
    """One first look by an empty phone, and what the largest thing was. Bytes are what came over the wire, headers included; times
    in seconds: `first_byte` and `paint` are when the answer began to come and when anything was painted."""
    context = browser.new_context(viewport={"width": 360, "height": 760}, device_scale_factor=2, locale="ko-KR")
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: dict[str, float] = {}
    kinds: dict[str, str] = {}
    wire.on("Network.responseReceived", lambda said: kinds.update({said["requestId"]: said["type"]}))
    wire.on("Network.loadingFinished", lambda said: sizes.update({said["requestId"]: said["encodedDataLength"]}))
    if slower > 1:
        wire.send("Network.emulateNetworkConditions", {"offline": False, **SLOW_4G})
        wire.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.add_init_script(WATCH)
    page.goto(address, wait_until="load")
    page.wait_for_load_state("networkidle")
    seen = page.evaluate(SEEN)
    largest = page.evaluate("window.largest")
    context.close()
    scripts = sum(size for key, size in sizes.items() if kinds.get(key) == "Script")
    costs = {"kb": sum(sizes.values()) / 1000, "script_kb": scripts / 1000, "requests": len(sizes)}
    return {**seen, **costs}, str(largest)


def wait_until_up(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Return when /healthz answers 200; give up after five minutes or when the product died."""
    for _ in range(3000):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None:
            break
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise RuntimeError("Dure did not come up")


def start(home: Path, port: int, log: Path) -> "subprocess.Popen[bytes]":
    """`dure run` on `home`, which says what it does in `log`."""
    env = {k: v for k, v in os.environ.items() if k != "DURE_DATABASE_URL"}
    env |= {
        "DURE_HOME": str(home),
        "DURE_PORT": str(port),
        "DURE_PEOPLE": env.get("DURE_PEOPLE", "0"),
        "DURE_TOWN_PACE": "0",
    }
    with log.open("wb") as lines:
        return subprocess.Popen([sys.executable, "-m", "dure.project.cli", "run"], env=env, stdout=lines)


def steps(log: Path) -> dict[str, float]:
    """What `dure run` said that its steps took, in seconds."""
    found = (STEP.search(line.strip()) for line in log.read_text().splitlines())
    return {step[1].rpartition("· ")[2]: float(step[2]) for step in found if step}


def main() -> int:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--runs", type=int, default=7)
    said.add_argument("--port", type=int, default=8480)
    options = said.parse_args()
    result: dict[str, Any] = {"runs": options.runs, "load_average": [round(os.getloadavg()[0], 1)]}
    with tempfile.TemporaryDirectory(prefix="dure-bench-") as scratch:
        home = Path(scratch) / "home"
        for name in ("cold_start_s", "warm_start_s"):
            begun = time.monotonic()
            log = Path(scratch) / f"{name}.log"
            product = start(home, options.port, log)
            try:
                wait_until_up(options.port, product)
                result[name] = round(time.monotonic() - begun, 1)
                result[f"{name[:-2]}_steps_s"] = steps(log)
                if name == "warm_start_s":
                    demo = json.loads((home / "demo.json").read_text())
                    measure(result, f"http://127.0.0.1:{options.port}{demo['table_url_path']}", options.runs)
            finally:
                product.send_signal(signal.SIGINT)
                product.wait(30)
    result["load_average"].append(round(os.getloadavg()[0], 1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "menu.json").write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    return 0


def measure(result: dict[str, Any], address: str, runs: int) -> None:
    """Look `runs` times each way, after one look that warms the server."""
    with sync_playwright() as playwright:
        chosen = os.environ.get("DURE_CHROMIUM") or None
        with playwright.chromium.launch(executable_path=chosen, args=FLAGS) as browser:
            look(browser, address, slower=1)
            for name, slower in (("plain", 1), ("slow_4g", 4)):
                seen = [look(browser, address, slower=slower) for _ in range(runs)]
                looks = [costs for costs, _ in seen]
                middle = {key: statistics.median(one[key] for one in looks) for key in looks[0]}
                result[name] = {key: round(value, 3) for key, value in middle.items()}
                result[name]["lcp_max"] = round(max(one["lcp"] for one in looks), 3)
                result[name]["largest"] = statistics.mode(largest for _, largest in seen)


def show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"The first look at a menu (median of {result['runs']})")
    for heading in ("network", "LCP s", "worst s", "kB", "script kB", "requests", "CLS"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for name, words in (("plain", "none, 1x"), ("slow_4g", "slow 4G, 4x slower processor")):
        one = result[name]
        cells = (one["lcp"], one["lcp_max"], one["kb"], one["script_kb"], int(one["requests"]), one["shift"])
        table.add_row(words, *(str(cell) for cell in cells))
    Console().print(table)
    print(f"the largest thing on slow 4G: {result['slow_4g']['largest']}")
    print(f"dure run: {result['cold_start_s']} s on an empty home, {result['warm_start_s']} s on a settled one")
    print("steps of the cold start, in s:", result["cold_start_steps_s"])
    print("load average of the machine before and after:", *result["load_average"])


if __name__ == "__main__":
    sys.exit(main())
