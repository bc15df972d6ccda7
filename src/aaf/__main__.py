"""`python -m aaf` is the command `aaf`."""

from aaf.main import cli

if __name__ == "__main__":
    cli()
