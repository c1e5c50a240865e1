"""Tasks on GitHub Actions: https://docs.github.com/en/rest/actions."""
