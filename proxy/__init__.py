"""Stands between clients and PostgreSQL: reads, judges, records, and passes on or refuses."""
