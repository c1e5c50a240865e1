"""Programs that the benchmarks start as processes; each prints its figures as one line of JSON."""
