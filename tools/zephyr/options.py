"""Options that several commands have."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

From = Annotated[
    str,
    typer.Option(
        "--from",
        help="base URL of the source with /v2: https://api.zephyrscale.smartbear.com/v2, or with "
        "eu., au. or de. in front",
    ),
]
FromToken = Annotated[
    Path, typer.Option("--from-token-file", help="file with the API token of the source")
]
To = Annotated[str, typer.Option("--to", help="address of Ostro, without /v2")]
ToToken = Annotated[
    Path,
    typer.Option("--to-token-file", help="file with a token of Ostro: scopes read and write"),
]
Projects = Annotated[
    list[str], typer.Option("--project", help="key of a project; several times for several")
]
WorkDir = Annotated[
    Path,
    typer.Option("--work-dir", help="where the copy lies; the same one goes on with a broken run"),
]
Parallel = Annotated[
    int, typer.Option("--parallel", min=1, max=32, help="requests at once to either side")
]
Attempts = Annotated[
    int, typer.Option("--attempts", min=1, help="attempts for a request before the run ends")
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="seconds for one answer")]
Attachments = Annotated[
    bool, typer.Option(help="copy attached files (one more request for each thing)")
]
StepAttachments = Annotated[
    bool, typer.Option(help="also those of steps (one more request for each step)")
]
Versions = Annotated[
    bool, typer.Option(help="copy older versions of test cases (one more request for each case)")
]
ExecutionSteps = Annotated[
    bool, typer.Option(help="copy the steps of executions (one more request for each execution)")
]
Margin = Annotated[
    float,
    typer.Option(min=0, help="seconds by which a later pass looks further back than the last one"),
]

Fields = Annotated[
    Path | None,
    typer.Option(
        "--fields",
        help="JSON file with definitions of custom fields, stated by hand; read writes one that "
        "can be edited: DIR/KEY/custom-fields.json",
    ),
]


class Jira(StrEnum):
    """What becomes of ids of Jira."""

    AUTO = "auto"
    KEEP = "keep"
    DROP = "drop"


JiraIds = Annotated[
    Jira,
    typer.Option(
        "--jira",
        help="ids of issues, components and versions: kept where both sides are on one Jira site "
        "(auto), always, or never",
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again",
        help="although it was imported, or half imported: into another empty project, or one that "
        "was emptied; when it fails, the same command tries again",
    ),
]
Sample = Annotated[
    int, typer.Option(min=0, help="compare so many of each kind field by field; 0 for all")
]
