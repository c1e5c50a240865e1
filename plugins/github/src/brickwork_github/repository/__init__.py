"""A repository: as a block, as a storage, cloned by git, or fetched as an archive."""
