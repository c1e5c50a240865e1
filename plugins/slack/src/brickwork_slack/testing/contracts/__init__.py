"""Conformance of what this package brings, for ``brickwork plugin check`` and its own tests.

Each class but those of blocks starts a Slack on 127.0.0.1.
"""

# Each module has nothing else to give than its contracts.
# ruff: noqa: F403
from brickwork_slack.testing.contracts.approvals import *
from brickwork_slack.testing.contracts.bookmarks import *
from brickwork_slack.testing.contracts.bot import *
from brickwork_slack.testing.contracts.conversations import *
from brickwork_slack.testing.contracts.credentials import *
from brickwork_slack.testing.contracts.files import *
from brickwork_slack.testing.contracts.generic import *
from brickwork_slack.testing.contracts.messages import *
from brickwork_slack.testing.contracts.package import *
from brickwork_slack.testing.contracts.pins import *
from brickwork_slack.testing.contracts.reactions import *
from brickwork_slack.testing.contracts.search import *
from brickwork_slack.testing.contracts.usergroups import *
from brickwork_slack.testing.contracts.users import *
from brickwork_slack.testing.contracts.views import *
from brickwork_slack.testing.contracts.webhook import *
from brickwork_slack.testing.fixtures import *
