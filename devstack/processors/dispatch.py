"""One request's way: recorded always, answered by a fault of the script or by the processor."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from devstack.processors.faults import Fault, Script
from devstack.processors.message import Answer, Incoming, json_answer
from devstack.processors.processor import Processor
from devstack.processors.recorder import Recorded, Recorder
from devstack.processors.wire import Outcome


@dataclass(frozen=True, slots=True)
class Place:
    """A processor at its prefix, with its script of faults."""

    processor: Processor
    script: Script


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Raises ValueError for what is no gzip or grows beyond `limit`."""
    if encoding != "gzip":
        return body
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError("not gzip") from error
    if len(plain) > limit:
        raise ValueError("too large when unpacked")
    return plain


class Dispatcher:
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def handle(self, place: Place, incoming: Incoming) -> Outcome:
        outcome, fault = self._outcome(place, incoming)
        whole = outcome.manner not in ("close", "half")
        self._recorder.add(
            Recorded(
                place.processor.name,
                incoming,
                outcome.answer.status if whole else None,
                fault.kind if fault else None,
            )
        )
        return outcome

    def _outcome(self, place: Place, incoming: Incoming) -> tuple[Outcome, Fault | None]:
        what = f"{incoming.method} {incoming.path}"
        if not _serves(place.processor.paths, what.removeprefix("POST ")):
            error = f"the {place.processor.name} stand-in does not know {what}"
            return Outcome(json_answer(501, {"error": error})), None
        for fault in place.script.candidates(incoming.path):
            outcome = self._faulty(fault, place.processor, incoming)
            if outcome is not None:
                fault.use()
                return outcome, fault
        return Outcome(place.processor.answer(incoming)), None

    def _faulty(self, fault: Fault, processor: Processor, incoming: Incoming) -> Outcome | None:
        if fault.kind in processor.scripted:
            answer = processor.play(fault, incoming)
            return Outcome(answer) if answer is not None else None
        maker = _MAKERS.get(fault.kind)
        if maker is None:  # scripted for another vendor
            return None
        if fault.kind == "reject_gzip":
            return maker(fault, processor, processor.error(415)) if incoming.gzipped else None
        if fault.kind == "drop":
            return Outcome(processor.answer(incoming, store=False))
        usual = processor.answer(incoming) if fault.stores else json_answer(200, {})
        if fault.taken and usual.status >= 300:
            return None
        return maker(fault, processor, usual)


def _serves(paths: tuple[str, ...], what: str) -> bool:
    """A part in braces stands for any one."""
    asked = what.split("/")
    return any(
        len(served) == len(asked)
        and all(s == a or (s.startswith("{") and a) for s, a in zip(served, asked, strict=True))
        for served in (path.split("/") for path in paths)
    )


def _plain(fault: Fault, processor: Processor, _usual: Answer) -> Outcome:
    status = fault.status or 500
    answer = processor.error(status)
    body, headers = answer.body, {**answer.headers, **fault.headers}
    if isinstance(fault.body, str):
        body, headers["content-type"] = fault.body.encode(), "text/html"
    elif fault.body is not None:
        body = json_answer(status, fault.body).body
    if fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    return Outcome(Answer(status, body, headers))


def _non_json(fault: Fault, _processor: Processor, _usual: Answer) -> Outcome:
    html = b"<html><body>Welcome</body></html>"
    return Outcome(Answer(fault.status or 200, html, {"content-type": "text/html"}))


def _redirect(fault: Fault, _processor: Processor, _usual: Answer) -> Outcome:
    return Outcome(Answer(fault.status or 307, b"", {"location": fault.location}))


_MAKERS: dict[str, Callable[[Fault, Processor, Answer], Outcome]] = {
    "status": _plain,
    "non_json": _non_json,
    "redirect": _redirect,
    "drop": lambda _fault, _processor, usual: Outcome(usual),
    "reject_gzip": lambda _fault, _processor, usual: Outcome(usual),
    "close": lambda _fault, _processor, usual: Outcome(usual, "close"),
    "close_after_store": lambda _fault, _processor, usual: Outcome(usual, "close"),
    "late": lambda fault, _processor, usual: Outcome(usual, "late", fault.seconds),
    "slow_body": lambda fault, _processor, usual: Outcome(usual, "slow_body", fault.seconds),
    "half": lambda _fault, _processor, usual: Outcome(usual, "half"),
}
