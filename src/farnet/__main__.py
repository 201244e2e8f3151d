"""`python -m farnet` is `farnet`."""

import sys

from farnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
