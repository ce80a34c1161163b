"""The Korean of the reference: found by the English text it was made from."""

from __future__ import annotations

import difflib
from pathlib import Path

FOLDER = Path(__file__).parent / "ko"


class Korean:
    """A way from English texts to Korean ones, which remembers what was asked for.

    Args:
        texts: English to Korean.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._wanted: dict[str, None] = {}

    def __call__(self, english: str) -> str:
        """Return the Korean of a text; where there is none, the text itself, which :meth:`problems` will name."""
        self._wanted[english] = None
        return self._texts.get(english, english)

    def problems(self) -> list[str]:
        """Return what has to be done, in sentences: texts without Korean, and Korean of texts that are gone."""
        gone = [english for english in self._texts if english not in self._wanted]
        found = []
        for english in self._wanted:
            if english not in self._texts:
                (old,) = difflib.get_close_matches(english, gone, n=1, cutoff=0.6) or ("",)
                if old:
                    gone.remove(old)
                    found.append(f"The English has changed; look at the Korean.\n  was: {old}\n  now: {english}")
                else:
                    found.append(f"No Korean for: {english}")
        return [*found, *(f"Nothing has this English text any more; remove it: {english}" for english in gone)]


def load(folder: Path = FOLDER) -> Korean:
    """Read what is in ``ko/``: lists of ``en`` and ``ko``."""
    import yaml

    texts: dict[str, str] = {}
    for file in sorted(folder.glob("*.yml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
            english = " ".join(entry["en"].split())
            if english in texts:
                raise ValueError(f"{file.name} has the Korean of this a second time: {english}")
            texts[english] = " ".join(entry["ko"].split())
    return Korean(texts)
