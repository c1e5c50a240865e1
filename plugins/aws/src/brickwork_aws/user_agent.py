"""What clients call themselves: said once.

botocore makes the header ``User-Agent`` anew for each request, twice, which takes longer than to
sign it. It adds which of its features a request uses, for the statistics of AWS; that is left out.
"""

import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boto3.session import Session


def user_agent(session: "Session", app_id: str | None) -> str:
    """Return what comes before the ``user_agent_extra`` of a client's settings.

    Args:
        session: Whose clients they are; its environment and profile may name an application.
        app_id: The application, instead of that.
    """
    below = session._session  # noqa: SLF001  # boto3 shows it nowhere else
    app = app_id or below.get_config_variable("user_agent_appid")
    where = os.environ.get("AWS_EXECUTION_ENV")
    return " ".join(
        [
            f"{below.user_agent_name}/{below.user_agent_version}",
            f"Python/{platform.python_version()}",
            f"{platform.system()}/{platform.release()}",
            *([f"exec-env/{where}"] if where else []),
            *([f"app/{app}"] if app else []),
        ]
    )
