"""IPv6 at nginx, where BEHINDY_IPV6 asks for it: what nginx is told. Pure."""

from __future__ import annotations

from typing import Final

_WRITTEN: Final = "# Written by inv host.sync from BEHINDY_IPV6.\n"

FILES: Final = {
    "nginx/listen_80.conf": f"{_WRITTEN}listen [::]:80;\n",
    "nginx/listen_443.conf": f"{_WRITTEN}listen [::]:443 ssl;\n",
}
"""What ``site.conf`` includes in its servers, and does without. Never part of a checkout: nginx would not start where
the kernel has no IPv6 at all."""
