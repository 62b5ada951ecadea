"""`python -m eigenface` is the command line."""

from eigenface.cli import main

if __name__ == "__main__":
    main()
