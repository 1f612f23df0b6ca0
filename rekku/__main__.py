"""`python -m rekku` is the command `rekku`."""

from rekku.cli import main

if __name__ == "__main__":
    main()
