"""Kafka's jars: from a given folder, the user's cache, Maven, or jgo's Maven resolver in Python."""

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.embedded.errors import StackError
from devstack.embedded.java import Java
from devstack.embedded.paths import cache_folder
from devstack.embedded.process import Started, ignore, spawn

KAFKA_VERSION = "4.3.1"
SETTING = "OSTRO_KAFKA_JARS"
_SLF4J_VERSION = "1.7.36"
_BROKER = f"kafka_2.13-{KAFKA_VERSION}.jar"
_TIMEOUT_SECONDS = 400
_POM = """\
<project><modelVersion>4.0.0</modelVersion>
<groupId>io.ostro</groupId><artifactId>kafka-jars</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{kafka}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
<version>{slf4j}</version></dependency>
</dependencies></project>
"""

Fetch = Callable[[Path], None]
"""Puts the jars into an empty folder, or raises StackError."""


def kafka_jars(
    java: Java, *, started: Started = ignore, say: Callable[[str], None] = lambda _: None
) -> Path:
    """Return a folder with the broker's jars; fetches them once per user when there is none."""
    given = os.environ.get(SETTING)
    if given:
        folder = Path(given).expanduser()
        if not list(folder.glob("kafka_2.13-*.jar")):
            raise StackError(f"{SETTING}={given} holds no kafka_2.13-*.jar")
        return folder
    ways: list[tuple[str, Fetch]] = [("jgo", lambda into: _fetch_with_jgo(into, java, started))]
    if shutil.which("mvn"):
        ways.insert(0, ("Maven", lambda into: _fetch_with_maven(into, started)))
    return provision(cache_folder() / f"kafka-{KAFKA_VERSION}", ways, check=verify, say=say)


def provision(
    folder: Path,
    ways: list[tuple[str, Fetch]],
    *,
    check: Callable[[Path], None],
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Fill the folder once: whole or not at all, and by one process of several that ask."""
    if (folder / _BROKER).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(folder.name + ".lock")):
        if (folder / _BROKER).exists():
            return folder
        part = folder.with_name(folder.name + ".part")
        failures = []
        for name, fetch in ways:
            shutil.rmtree(part, ignore_errors=True)  # of one that was killed half-way
            part.mkdir()
            say(f"fetching Kafka {KAFKA_VERSION} with {name}")
            try:
                fetch(part)
                check(part)
            except StackError as error:
                failures.append(f"{name}: {error}")
                continue
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
            return folder
        shutil.rmtree(part, ignore_errors=True)
    raise StackError(
        "Kafka's jars could not be fetched. "
        + "\n".join(failures)
        + f"\nA folder that holds them can be named with {SETTING}=<folder>."
    )


def verify(folder: Path) -> None:
    """Compare the folder with the committed list of names and SHA-256 sums."""
    listed = Path(__file__).with_name("kafka-jars.sha256").read_text().split()
    wanted = dict(zip(listed[1::2], listed[0::2], strict=True))
    found = {jar.name: jar for jar in folder.glob("*.jar")}
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise StackError(f"{len(missing)} jars are missing, the first is {missing[0]}")
    for name, digest in wanted.items():
        if hashlib.sha256(found[name].read_bytes()).hexdigest() != digest:
            raise StackError(f"{name} is not the file that kafka-jars.sha256 names")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock; the system drops it when the holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_with_maven(into: Path, started: Started) -> None:
    pom = into / "pom.xml"
    pom.write_text(_POM.format(kafka=KAFKA_VERSION, slf4j=_SLF4J_VERSION))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    command = ["mvn", "-q", "-B", "-f", str(pom), *goal, f"-DoutputDirectory={into}"]
    _run(command, into, started)
    pom.unlink()


def _fetch_with_jgo(into: Path, java: Java, started: Started) -> None:
    """Resolve into a repository of our own; ``info jars`` alone names all of them.

    jgo sorts jars with a JDK it would download from a code host unless JAVA_HOME is set.
    """
    work = into / "jgo"
    command = [sys.executable, "-m", "jgo", "--ignore-config", "--color", "never"]
    command += ["--resolver", "python", "--timeout", "60"]
    command += ["--repo-cache", str(work / "m2"), "--cache-dir", str(work / "cache")]
    coordinates = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple"
    command += ["info", "jars", f"{coordinates}:{_SLF4J_VERSION}"]
    _run(command, into, started, env={**os.environ, "JAVA_HOME": str(java.home)})
    for jar in (work / "m2").rglob("*.jar"):
        jar.rename(into / jar.name)
    shutil.rmtree(work)


def _run(
    command: list[str], into: Path, started: Started, env: dict[str, str] | None = None
) -> None:
    """Run to the end, as a process that whoever is interrupted meanwhile can find and end."""
    log = into / "fetch.log"
    process = spawn("kafka-jars", command, log=log, env=env)
    started(process)
    try:
        if not process.ended_within(_TIMEOUT_SECONDS):
            raise StackError(f"did not end within {_TIMEOUT_SECONDS} s")
    finally:
        process.stop()
    if process.exit_code():
        raise StackError(process.tail())
    log.unlink()
