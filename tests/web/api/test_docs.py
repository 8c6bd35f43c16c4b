"""Every command of docs/reference/api.md, run by the real curl against a real server."""

import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from dure.audiences import queries as audiences
from dure.partners import actions as partners
from dure.partners.values import EventKind, Scope
from dure.shops import fence
from tests import cast
from tests.architecture.source import ROOT
from tests.web.neighbourhood import country

import dure.project.urls  # noqa: F401 isort:skip

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.startswith("curl ")]


@pytest.mark.django_db(transaction=True)
def test_the_commands_of_the_page_do_what_it_says(live_server: Any) -> None:
    assert shutil.which("curl"), "the page shows curl"
    with fence.across_shops():
        shop = cast.noodle_house()
        _, key = partners.make_key(shop=shop, name="docs", scopes=list(Scope), by="staff:test", at=cast.NOON)
    found = commands()
    assert len(found) >= 8
    for command in found:
        with audiences.standing_on(network=country(), twin=country()):
            done = subprocess.run(
                ["sh", "-c", f"{command} --noproxy '*' --fail-with-body"],
                env={**os.environ, "DURE": live_server.url, "KEY": key},
                capture_output=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        said = json.loads(done.stdout)
        assert said.get("object") or "data" in said, command


def test_the_page_names_every_scope_and_every_kind_of_event() -> None:
    for word in (*Scope, *EventKind):
        assert f"`{word}`" in PAGE


def test_every_path_of_the_page_is_described() -> None:
    from dure.web.api.urls import described

    paths = {re.sub(r"{\w+}", "<>", path) for path in described()["paths"]}
    shown = set(re.findall(r"POST (/[a-z-]+(?:/<[a-z_…]+>/[a-z]+)?)", PAGE))
    assert len(shown) >= 6
    for path in shown:
        assert f"/api/v1{re.sub(r'<[^>]+>', '<>', path)}" in paths, path
