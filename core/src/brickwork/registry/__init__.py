"""From a slug, a scheme or another name to the class behind it; plugins are found lazily."""

from brickwork.registry.current import (
    get_registry as get_registry,
    use_registry as use_registry,
)
from brickwork.registry.plugins import PluginInfo as PluginInfo
from brickwork.registry.registry import Registry as Registry
