"""Pull requests: opened, reviewed, kept up to date, merged."""
