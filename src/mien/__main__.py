"""``python -m mien``, and ``torchrun -m mien train ...`` for several processes."""

from mien.cli import main

if __name__ == "__main__":
    main()
