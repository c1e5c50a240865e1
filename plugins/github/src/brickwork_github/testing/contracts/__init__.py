"""Conformance of what this package brings, for ``brickwork plugin check`` and its own tests.

Each class but those of blocks starts a GitHub on 127.0.0.1.
"""

# Each module has nothing else to give than its contracts.
# ruff: noqa: F403
from brickwork_github.testing.contracts.actions import *
from brickwork_github.testing.contracts.checks import *
from brickwork_github.testing.contracts.contents import *
from brickwork_github.testing.contracts.credentials import *
from brickwork_github.testing.contracts.generic import *
from brickwork_github.testing.contracts.gists import *
from brickwork_github.testing.contracts.issues import *
from brickwork_github.testing.contracts.notifiers import *
from brickwork_github.testing.contracts.package import *
from brickwork_github.testing.contracts.pulls import *
from brickwork_github.testing.contracts.releases import *
from brickwork_github.testing.contracts.repositories import *
from brickwork_github.testing.contracts.repository import *
from brickwork_github.testing.contracts.search import *
from brickwork_github.testing.contracts.webhooks import *
from brickwork_github.testing.fixtures import *
