"""The core's own serializers and codecs, behind the same hook as those of plugins."""
