"""BDD scripts: the steps of one scenario; the frame around them is added where one is needed.

Source: behaviour.md sections 10 and 15.5 of the API facts.
"""

from typing import Any

from gherkin.errors import CompositeParserException, ParserError
from gherkin.parser import Parser

from kit.errors import InvalidInput

MAX_LENGTH = 100_000
MAX_LINES = 2_000
"""The parser takes some ten microseconds for a line, an empty one too."""
_FRAME = "Feature: frame\nScenario: frame\n\n"
_WANTED = "text must be Gherkin: the steps of one scenario, without Feature and Scenario lines"


def check_scenario(text: str) -> None:
    """Raise ``InvalidInput`` unless a text is the steps of one scenario, and its examples.

    Takes up to half a second.
    """
    if len(text) > MAX_LENGTH or len(_lines(text)) > MAX_LINES:
        raise InvalidInput(
            f"A BDD script must not be longer than {MAX_LENGTH} characters and {MAX_LINES} lines."
        )
    scenario = _scenario(text)
    if scenario is None or scenario["description"] or not scenario["steps"]:
        raise InvalidInput(f"{_WANTED}.")


def feature_file(key: str, name: str, text: str) -> str:
    """Return a feature file with one scenario, tagged with the key of its case."""
    # a name in two lines would end the line it stands in
    title = " ".join(name.split())
    scenario = _scenario(text)
    keyword = "Scenario Outline" if scenario is not None and scenario["examples"] else "Scenario"
    lines = [
        f"Feature: {title}",
        f"    @TestCaseKey={key}",
        f"    {keyword}: {title}",
        "",
        *_lines(text),
    ]
    indented = (f"        {line}" if line else "" for line in lines[3:])
    return "\n".join([*lines[:3], *indented]) + "\n"


def _scenario(text: str) -> dict[str, Any] | None:
    """Parse a text in its frame; None when there is anything but the one scenario."""
    try:
        document: Any = Parser().parse(_FRAME + "\n".join(_lines(text)))
    except CompositeParserException as error:
        raise InvalidInput(f"{_WANTED} (line {_line(error)}).") from None
    except ParserError:
        raise InvalidInput(f"{_WANTED}.") from None
    children = document["feature"]["children"]
    return children[0].get("scenario") if len(children) == 1 else None


def _lines(text: str) -> list[str]:
    # by what ends a line in the parser's eyes, and in those of editors
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _line(error: CompositeParserException) -> int:
    """Return the line of the text in which the first fault is."""
    return max(error.errors[0].location["line"] - _FRAME.count("\n"), 1)
