"""`python -m sightline` runs the command `sightline`."""

import sys

from sightline.cli import main

sys.exit(main())
