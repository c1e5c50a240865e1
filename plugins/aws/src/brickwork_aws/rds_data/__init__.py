"""Aurora, through the Data API of RDS."""
