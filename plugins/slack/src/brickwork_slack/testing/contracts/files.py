"""Conformance of the tasks on files."""

from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient

from brickwork_slack.files.sources import Upload
from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class FileTaskContract(SlackTaskContract):
    """A task on a file."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let the bot upload a file, by Slack's own client."""
        return {"file": uploaded(server)}


def uploaded(server: SlackServer) -> str:
    """Upload a file to the general channel, and return its id."""
    client = WebClient(server.token().reveal(), base_url=f"{server.url}/api/")
    answer = client.files_upload_v2(
        channel=server.general.id, content=b"day,sum", filename="report.csv"
    )
    return str(answer["file"]["id"])


class TestUploadFile(SlackTaskContract):
    """upload_file."""

    name = "slack.upload_file"
    arguments = {"content": b"day,sum", "name": "report.csv", "channel": "#general"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether they are alike: each call uploads one."""
        return bool((one.name, one.size) == (two.name, two.size) and one.id != two.id)


class TestUploadFiles(SlackTaskContract):
    """upload_files."""

    name = "slack.upload_files"
    arguments = {"uploads": [Upload(b"day,sum", "report.csv")], "channel": "#general"}

    def same(self, one: Any, two: Any) -> bool:
        """Return whether they are alike: each call uploads some."""
        return [each.name for each in one] == [each.name for each in two] == ["report.csv"]


class TestGetFile(FileTaskContract):
    """get_file."""

    name = "slack.get_file"


class TestListFiles(SlackTaskContract):
    """list_files."""

    name = "slack.list_files"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Upload a file."""
        uploaded(server)
        return {"channel": server.general.id}


class TestDeleteFile(FileTaskContract):
    """delete_file."""

    name = "slack.delete_file"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Let each call find the file."""
        server.answer("files.delete", {})
        return super().prepare(server)


class TestDownloadFile(FileTaskContract):
    """download_file."""

    name = "slack.download_file"

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return a file, and a path in a folder of the server's, which is removed at its end."""
        file = super().prepare(server)["file"]
        kept = server.workspace.files[file].path
        assert kept is not None
        return {"file": file, "path": kept.with_name("copy.csv")}


class TestReadFile(FileTaskContract):
    """read_file."""

    name = "slack.read_file"


class TestWaitForFile(FileTaskContract):
    """wait_for_file."""

    name = "slack.wait_for_file"
