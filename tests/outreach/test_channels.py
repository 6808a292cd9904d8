"""What every channel must do: each key reaches the customer once."""

import json
from pathlib import Path

import pytest

from outreach.channels import Channel, Delivery, FileChannel

HELLO = Delivery("n1", "b1", "ann@example.org", "email", "service", "Größe", "Text\nmit Zeilen", "<p>ü</p>")


@pytest.fixture(params=[FileChannel])
def channel(request: pytest.FixtureRequest, tmp_path: Path) -> Channel:
    made: Channel = request.param(tmp_path)
    return made


def delivered(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_message_arrives_whole_and_readable(channel: Channel, tmp_path: Path) -> None:
    channel.deliver(HELLO)
    (file,) = delivered(tmp_path)
    assert file.relative_to(tmp_path) == Path("b1/n1.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (content["to"], content["subject"], content["text"]) == (HELLO.to, HELLO.subject, HELLO.text)
    assert "Größe" in file.read_text(encoding="utf-8")


def test_a_channel_knows_what_it_delivered(channel: Channel) -> None:
    assert not channel.delivered(HELLO)
    channel.deliver(HELLO)
    assert channel.delivered(HELLO)


def test_the_same_key_twice_arrives_once(channel: Channel, tmp_path: Path) -> None:
    channel.deliver(HELLO)
    channel.deliver(HELLO)
    assert len(delivered(tmp_path)) == 1


def test_a_message_that_cannot_be_handed_over_raises_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "b1").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="b1"):
        FileChannel(tmp_path).deliver(HELLO)
    assert len(delivered(tmp_path)) == 1
