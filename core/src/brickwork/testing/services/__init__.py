"""Discord, Power Automate and PagerDuty on 127.0.0.1, for tests: as strict as they are documented.

::

    discord = Discord()
    with LoopbackServer(discord.serve) as server:
        block = DiscordWebhook(url=discord.url(server.port), allow_private=True, allow_http=True)

What the service would refuse is answered as it would, and said in ``discord.refused``.
"""

from brickwork.testing.services.base import Service
from brickwork.testing.services.discord import Discord
from brickwork.testing.services.pagerduty import PagerDutyEvents
from brickwork.testing.services.workflow import Workflow

__all__ = ["Discord", "PagerDutyEvents", "Service", "Workflow"]
