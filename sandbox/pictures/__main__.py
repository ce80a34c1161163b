"""Write the pictures."""

from __future__ import annotations

from sandbox.pictures.architecture import pictures
from sandbox.tasks.quality import CHECKOUT

for path, text in pictures().items():
    (CHECKOUT / path).write_text(text, encoding="utf-8")
