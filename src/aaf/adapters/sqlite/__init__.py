"""SQLite through the standard library: named SQL, numbered migrations, one writer thread per process."""
