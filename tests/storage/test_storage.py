"""Files are written whole or not at all, and a full disk is named."""

from __future__ import annotations

import errno
import stat
import threading
from pathlib import Path

import pytest

from lib import storage
from lib.errors import BadInput, StorageError
from lib.storage import check_name, disk_errors, new_folder, read_json, suggest_name, write_json, write_text


@pytest.mark.parametrize("name", ["a", "medical-terms", "v1.2_x", "0", "a" * 64])
def test_good_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "a..b", ".hidden", "-x", "A", "ä", "a b", "a\n", "a\0", "a" * 65],
)
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(BadInput, match="cannot be used as a dataset name"):
        check_name(name, "dataset name")
    for place in (storage.dataset_dir, storage.run_dir):
        with pytest.raises(BadInput):
            place(name)


@pytest.mark.parametrize("text", ["My Data (final).v2", "ÄÖÜ", "", "../../etc/passwd", "-" * 99, "x" * 200, "a..b"])
def test_suggested_names_are_good(text):
    assert check_name(suggest_name(text))


def test_a_reader_never_sees_a_part(tmp_path):
    path = tmp_path / "deep" / "file.json"
    texts = ["a" * 300_000, "b" * 400_000]
    write_text(path, texts[0])
    seen: set[str] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        write_text(path, texts[number % 2])
    ended.set()
    reader.join()
    assert seen == set(texts)
    assert [file.name for file in path.parent.iterdir()] == ["file.json"]


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_json_files_are_read_or_named(tmp_path):
    write_json(tmp_path / "a.json", {"ü": 1})
    assert read_json(tmp_path / "a.json") == {"ü": 1}
    with pytest.raises(StorageError, match="missing"):
        read_json(tmp_path / "b.json")
    (tmp_path / "a.json").write_text('{"ü"')
    with pytest.raises(StorageError, match="damaged"):
        read_json(tmp_path / "a.json")


def test_a_new_folder_appears_when_all_is_in_it(tmp_path):
    target = tmp_path / "sets" / "v0001"
    with new_folder(target) as folder:
        (folder / "rows").write_text("1")
        assert not target.exists()
    assert (target / "rows").read_text() == "1"
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert list(target.parent.iterdir()) == [target]


def test_a_new_folder_leaves_nothing_when_it_fails(tmp_path):
    target = tmp_path / "v0001"
    with pytest.raises(KeyboardInterrupt), new_folder(target) as folder:
        (folder / "rows").write_text("1")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays_as_it_is(tmp_path):
    target = tmp_path / "v0001"
    target.mkdir()
    (target / "rows").write_text("old")
    with pytest.raises(StorageError, match="already exists"), new_folder(target) as folder:
        (folder / "rows").write_text("new")
    assert (target / "rows").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_named(tmp_path):
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"The disk that holds .*full is full") as caught, disk_errors(full):
        full.write_text("x")
    assert "Free some space" in caught.value.hint


def test_a_really_full_disk_keeps_the_old_file(small_disk):
    path = small_disk / "file.txt"
    write_text(path, "old")
    with pytest.raises(StorageError, match="is full"):
        write_text(path, "x" * 2_000_000)
    assert path.read_text() == "old"
    with pytest.raises(StorageError, match="is full"), new_folder(small_disk / "v0001") as folder:
        (folder / "rows").write_bytes(b"x" * 2_000_000)
    assert [file.name for file in small_disk.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_place_that_cannot_be_written_is_named(tmp_path, number):
    with pytest.raises(StorageError, match="cannot be written"), disk_errors(tmp_path):
        raise OSError(number, "no")


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_text(tmp_path / "file" / "below.txt", "x")
    with pytest.raises(StorageError, match="cannot be written"), new_folder(tmp_path / "file" / "below" / "v1"):
        pass
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        write_text(tmp_path / "folder", "x")


def test_other_errors_pass(tmp_path):
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        Path(tmp_path / "nothing").read_text()
