"""Single keys from the terminal while a run is on, without waiting: POSIX and Windows."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

_EVERY_S: Final = 0.05


@contextmanager
def whole_lines() -> Iterator[None]:
    """In this block a question is answered as everywhere: what is typed is seen. What was typed ahead is void."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    else:  # not after the return: mypy follows the platform only so
        import termios

        kept = termios.tcgetattr(sys.stdin)
        asking = [*kept]
        asking[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, asking)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, kept)


class Keys:
    """In its block, ``pressed()`` gives the keys hit since the last call; nothing where there is no terminal."""

    def __init__(self, *, active: bool) -> None:
        self._active = active and sys.stdin.isatty()
        self._looked_s = 0.0
        self._saved: Any = None

    def __enter__(self) -> Self:
        if self._active and sys.platform != "win32":
            import termios
            import tty

            self._saved = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give the terminal back as it was."""
        if self._saved is not None and sys.platform != "win32":
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)
            self._saved = None

    def pressed(self) -> str:
        if not self._active or time.monotonic() - self._looked_s < _EVERY_S:
            return ""
        self._looked_s = time.monotonic()
        keys = ""
        while (key := self._one()) is not None:
            keys += key
        return keys

    def _one(self) -> str | None:
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch() if msvcrt.kbhit() else None
        import os
        import select

        if not select.select([sys.stdin], [], [], 0)[0]:
            return None
        data = os.read(sys.stdin.fileno(), 1)
        if not data:
            self._active = False
            return None
        return data.decode("ascii", "ignore")
