"""The commands, their filters and exit codes."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError

from kit.dlq.letters import Letter, Queue, describe, queues
from kit.dlq.progress import TooScattered
from kit.dlq.reading import Desk, desk
from kit.dlq.replay import plan, send
from kit.errors import OstroError
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.settings import KafkaSettings, load

_HELP = """Dead letters: records that a consumer group could not process.

Kafka is taken from OSTRO_KAFKA_BOOTSTRAP (and the other OSTRO_KAFKA_* variables).

Examples:

  python -m kit.dlq list

  python -m kit.dlq show --group executions.results --limit 5

  python -m kit.dlq replay --topic ostro.executions.result.v1 --dry-run

  python -m kit.dlq drop --reason "data.rows: missing"

Exit codes: 0 done (also when nothing is open), 1 Kafka failed (the last letters sent may be sent
again by the next run), 2 wrong use or settings, 3 some letters could not be replayed and stay open.
"""

_SOME_LEFT = 3
_AT_ONCE = 100

cli = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None, add_completion=False)

TopicFilter = Annotated[str | None, typer.Option("--topic", help="origin topic, or a DLQ's name")]
GroupFilter = Annotated[str | None, typer.Option("--group", help="consumer group that failed")]
ReasonFilter = Annotated[str | None, typer.Option("--reason", help="text that the reason contains")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="at most so many letters")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be done, do nothing")]


@dataclass(frozen=True)
class Wanted:
    """The filters of one command."""

    topic: str | None
    group: str | None
    reason: str | None = None
    limit: int | None = None

    def queues(self, names: Names) -> list[Queue]:
        """Return the DLQs meant; exit 2 when the names fit none."""
        found = queues(names, topic=self.topic, group=self.group)
        if not found:
            typer.echo("no DLQ has this topic and group; `list` shows all of them", err=True)
            raise typer.Exit(2)
        return found

    async def letters(self, at: Desk, queue: Queue, taken: int) -> list[Letter]:
        """Return open letters; ``taken`` count against the limit already."""
        found: list[Letter] = []
        async for letter in at.open_letters(queue):
            if self.limit is not None and taken + len(found) >= self.limit:
                break
            if self.reason is None or self.reason in letter.reason:
                found.append(letter)
        return found


@dataclass(frozen=True)
class Session:
    """What a command works with."""

    desk: Desk
    names: Names
    publisher: Publisher
    queues: list[Queue]


def _run(wanted: Wanted, command: Callable[[Session], Coroutine[Any, Any, int]]) -> None:
    settings = load(KafkaSettings)
    names = Names(settings.topic_prefix)
    found_queues = wanted.queues(names)

    async def connected() -> int:
        publisher = Publisher(settings, client_id="ostro-dlq")
        try:
            async with desk(settings, names, found_queues) as found:
                return await command(Session(found, names, publisher, found_queues))
        finally:
            await publisher.stop()

    try:
        code = asyncio.run(connected())
    except (KafkaError, OSError, OstroError, TooScattered) as error:
        sys.stderr.write(f"dlq: {error or type(error).__name__}\n")
        code = 1
    raise typer.Exit(code)


@cli.command("list")
def list_command(topic: TopicFilter = None, group: GroupFilter = None) -> None:
    """Count the open letters of every DLQ, by reason."""
    wanted = Wanted(topic, group)

    async def command(session: Session) -> int:
        for queue in session.queues:
            reasons: Counter[str] = Counter()
            async for letter in session.desk.open_letters(queue):
                reasons[letter.reason] += 1
            typer.echo(f"{reasons.total():>7}  {queue.name}")
            for reason, count in reasons.most_common():
                typer.echo(f"         {count:>7}  {reason}")
        return 0

    _run(wanted, command)


@cli.command("show")
def show_command(
    topic: TopicFilter = None,
    group: GroupFilter = None,
    reason: ReasonFilter = None,
    limit: Limit = 20,
    payload: Annotated[
        bool, typer.Option("--payload", help="keys, all headers and values too: customer content")
    ] = False,
) -> None:
    """Tell what is known of the open letters, without their content."""
    wanted = Wanted(topic, group, reason, limit)

    async def command(session: Session) -> int:
        shown = 0
        for queue in session.queues:
            for letter in await wanted.letters(session.desk, queue, shown):
                typer.echo("\n".join(describe(letter, payload=payload)))
                shown += 1
        typer.echo(f"{shown} letters shown")
        return 0

    _run(wanted, command)


@cli.command("replay")
def replay_command(
    topic: TopicFilter = None,
    group: GroupFilter = None,
    reason: ReasonFilter = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Annotated[
        bool, typer.Option("--force", help="also what its receiver may count twice: it is old")
    ] = False,
) -> None:
    """Send letters back, for the group that failed alone, and mark them done."""
    wanted = Wanted(topic, group, reason, limit)

    async def command(session: Session) -> int:
        taken, left = 0, 0
        for queue in session.queues:
            letters = await wanted.letters(session.desk, queue, taken)
            taken += len(letters)
            if letters:
                left += await _replay(session, queue, letters, dry_run=dry_run, force=force)
        typer.echo(f"{taken - left} letters {_done('done', dry_run=dry_run)}, {left} left")
        return _SOME_LEFT if left else 0

    _run(wanted, command)


async def _replay(
    session: Session, queue: Queue, letters: list[Letter], *, dry_run: bool, force: bool
) -> int:
    found = await plan(session.desk, session.names, letters)
    if not dry_run:
        for start in range(0, len(found.send), _AT_ONCE):
            part = found.send[start : start + _AT_ONCE]
            await send(
                session.desk, session.names, session.publisher, part, found.looked, force=force
            )
            await session.desk.mark_done(queue, part)
        await session.desk.mark_done(queue, found.superseded)
    for letter in found.send:
        typer.echo(f"{letter.id} {_done('sent to ' + queue.topic.name, dry_run=dry_run)}")
    for letter in found.superseded:
        typer.echo(f"{letter.id} {_done('done: a newer state has followed', dry_run=dry_run)}")
    for letter in found.impossible:
        typer.echo(f"{letter.id} has no value to send; read it at its origin, then drop it")
    return len(found.impossible)


@cli.command("drop")
def drop_command(
    topic: TopicFilter = None,
    group: GroupFilter = None,
    reason: ReasonFilter = None,
    limit: Limit = None,
    dry_run: DryRun = False,
) -> None:
    """Mark letters done without sending them; Kafka removes them when their retention is over."""
    wanted = Wanted(topic, group, reason, limit)

    async def command(session: Session) -> int:
        taken = 0
        for queue in session.queues:
            letters = await wanted.letters(session.desk, queue, taken)
            taken += len(letters)
            if letters and not dry_run:
                await session.desk.mark_done(queue, letters)
            for letter in letters:
                typer.echo(f"{letter.id} {_done('dropped', dry_run=dry_run)}: {letter.reason}")
        typer.echo(f"{taken} letters {_done('dropped', dry_run=dry_run)}")
        return 0

    _run(wanted, command)


def _done(what: str, *, dry_run: bool) -> str:
    return f"would be {what}" if dry_run else what
