"""`python main.py [PROJECT | AVATAR | SPEECH]` opens the studio."""

import sys

from studio.app import main

if __name__ == "__main__":
    sys.exit(main())
