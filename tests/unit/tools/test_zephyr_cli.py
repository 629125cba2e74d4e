"""What the commands say to wrong use: an exit code and one line that repeats no content."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.zephyr.cli import cli
from tools.zephyr.copying import stated_fields
from tools.zephyr.workdir import WorkdirError


def said(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(cli, list(arguments))
    return found.exit_code, found.output


def test_every_command_has_help() -> None:
    for command in ("read", "import", "verify", "copy"):
        code, text = said(command, "--help")
        assert code == 0
        assert "--work-dir" in text


def test_wrong_use(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a.b.c")
    rest = ("--project", "X", "--work-dir", str(tmp_path / "w"))
    source = ("--from-token-file", str(token))
    assert said("read", *rest)[0] == 2
    code, text = said("read", "--from", "https://x/v2", *rest, "--from-token-file", "/missing")
    assert (code, "cannot be read" in text) == (2, True)
    code, text = said("read", "--from", "ftp://x", *rest, *source)
    assert (code, "no http(s) address" in text) == (1, True)
    target = ("--to", "http://127.0.0.1:1", "--to-token-file", str(token))
    code, text = said("import", *target, "--project", "X", "--work-dir", str(tmp_path / "none"))
    assert (code, "holds no copy" in text) == (1, True)


def test_fields_stated_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "fields.json"
    path.write_text('{"fields": [{"entity": "test-case", "name": "F", "type": "DATE"}]}')
    (found,) = stated_fields(path)
    assert (found.name, found.sureness) == ("F", "stated")
    assert stated_fields(None) == []
    path.write_text('{"fields": [{"entity": "test-case", "name": "F", "type": "SECRET"}]}')
    with pytest.raises(WorkdirError, match=r"fields\.0\.type") as raised:
        stated_fields(path)
    assert "SECRET" not in str(raised.value)
    with pytest.raises(WorkdirError, match="cannot be read"):
        stated_fields(tmp_path / "missing")
