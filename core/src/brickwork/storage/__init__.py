"""The interface of storages: bytes by key.

``Storage`` is what to subclass, ``check_key`` what every storage calls first.
"""

from brickwork.storage.interface import ObjectInfo, ProgressCallback, Storage
from brickwork.storage.keys import check_key, check_prefix

__all__ = ["ObjectInfo", "ProgressCallback", "Storage", "check_key", "check_prefix"]
