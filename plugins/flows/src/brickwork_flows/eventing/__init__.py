"""Events: what has happened, to runs, to blocks, and by the word of programs."""
