"""Files: uploaded and downloaded piece by piece, read, listed and deleted."""
