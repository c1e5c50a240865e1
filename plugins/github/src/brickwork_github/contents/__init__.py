"""Files, commits, branches and tags of repositories, without a clone."""
