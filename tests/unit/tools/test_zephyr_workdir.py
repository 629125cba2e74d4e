"""The working directory: what a broken-off run leaves, what changed, whose it is."""

import stat
from pathlib import Path

import pytest

from tools.zephyr.workdir import Source, Workdir, WorkdirError, known_source, open_root

SOURCE = Source(
    base_url="https://api.example/v2",
    attachments=True,
    step_attachments=True,
    versions=True,
    execution_steps=True,
)


def test_what_stands_behind_the_cursor_goes(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path / "P")
    workdir.append("kind", [{"id": 1}, {"id": 2, "n": "a"}], 5, done=False)
    with workdir.file("kind").open("ab") as file:
        file.write(b'{"id": 3}\n{"id": 4, "na')
    again = Workdir(tmp_path / "P")
    assert (again.cursor("kind").next, again.cursor("kind").done) == (5, False)
    assert [row["id"] for row, _ in again.walk("kind")] == [1, 2]
    again.append("kind", [{"id": 2, "n": "b"}], 9, done=True)
    assert list(Workdir(tmp_path / "P").latest("kind")) == [{"id": 1}, {"id": 2, "n": "b"}]
    for path in (tmp_path / "P", tmp_path / "P" / "files"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_what_came_or_changed_behind_a_place(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path / "P")
    workdir.append("kind", [{"id": 1}, {"id": 2}, {"id": 3}], 0, done=True)
    length = workdir.cursor("kind").length
    workdir.append("kind", [{"id": 1}, {"id": 2, "new": 1}, {"id": 4}], 0, done=True)
    assert workdir.changed("kind", length) == {2, 4}
    assert workdir.changed("kind", 0) == {1, 2, 3, 4}


def test_a_file_that_lost_its_end_is_not_taken_for_whole(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path / "P")
    workdir.append("kind", [{"id": 1}, {"id": 2}], 0, done=True)
    with workdir.file("kind").open("r+b") as file:
        file.truncate(workdir.cursor("kind").length - 1)
    with pytest.raises(WorkdirError, match="shorter"):
        list(workdir.walk("kind"))


def test_a_directory_serves_one_source(tmp_path: Path) -> None:
    root = tmp_path / "work"
    with pytest.raises(WorkdirError, match="no copy"):
        known_source(root)
    open_root(root, SOURCE)
    open_root(root, SOURCE.model_copy(update={"site_url": "https://me.atlassian.net"}))
    assert known_source(root) == SOURCE
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    for change in ({"base_url": "https://eu.api.example/v2"}, {"versions": False}):
        with pytest.raises(WorkdirError, match="another account"):
            open_root(root, SOURCE.model_copy(update=change))
    with pytest.raises(WorkdirError, match="other things"):
        open_root(tmp_path, SOURCE)
    (root / "P").mkdir()
    (root / "P" / "state.json").write_text('{"other": 1}')
    with pytest.raises(WorkdirError, match="not of this version"):
        Workdir(root / "P")
