"""Tables of pyarrow, pandas and polars as what ``arrow`` and ``parquet`` write."""
