"""``arrow``: tables of pyarrow, pandas and polars in Arrow's stream format."""

from brickwork.builtin.serializers.tabular.arrow import pyarrow
from brickwork.builtin.serializers.tabular.stream import read_stream, stream_of
from brickwork.builtin.serializers.tabular.values import table_of, value_of
from brickwork.errors import UnsupportedType
from brickwork.serializer import Serializer


class ArrowSerializer(Serializer):
    """Takes a table or record batch of pyarrow, a frame or series of pandas or polars.

    Needs ``brickwork[arrow]``; pandas and polars only where the value is theirs. What it was
    stands in the data by a name of a closed list. No copy of the columns is made when a table is
    read. See https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format.
    """

    name = "arrow"

    def dumps(self, value: object) -> bytes:
        """Return the table. Raises UnsupportedType, SecretExposed, PluginMissing."""
        table = table_of(value, self.name)
        try:
            return stream_of(table)
        except pyarrow().ArrowException:
            # From None: the error may quote the data.
            raise UnsupportedType(
                "pyarrow cannot write the table.", fix='Use "parquet", or other types.'
            ) from None

    def loads(self, data: bytes) -> object:
        """Return the table. Raises CorruptData, UnsupportedFormat, PluginMissing."""
        return value_of(read_stream(data))
