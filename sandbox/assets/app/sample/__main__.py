"""Boot: the fault's part first, then the server. Importing the server is part of the boot, as it is for any app."""

from __future__ import annotations

import asyncio

from .faults import at_boot
from .release import Release
from .web import serve

if __name__ == "__main__":
    release = Release.from_environment()
    at_boot(release)
    asyncio.run(serve(release))
