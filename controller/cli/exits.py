"""Exit codes: what a script may rely on, and how each error and each outcome becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controller.errors import (
    CommandRefused,
    IontoError,
    LinkError,
    OutputRefused,
    ProtocolViolation,
    RecordError,
    TreatmentError,
    Unacknowledged,
)

if TYPE_CHECKING:
    from controller.effects import RunResult

DONE: Final = 0
BUG: Final = 1
USAGE: Final = 2
LINK: Final = 3
REFUSED: Final = 4
FAULT: Final = 5
STOPPED: Final = 6
UNCERTAIN: Final = 7
VIOLATED: Final = 8  # an audit found an invariant that did not hold

_OF_CAUSE: Final = {"operator": STOPPED, "limit": FAULT, "contact": FAULT, "link": LINK}


def of_result(result: RunResult) -> int:
    """The code of a run's end."""
    if result.outcome == "DONE":
        return DONE
    if result.outcome == "UNKNOWN":
        return UNCERTAIN
    if result.outcome.startswith("FAULT") or result.breach is not None:
        return FAULT
    if result.outcome == "REFUSED":
        return LINK if result.cause == "link" else REFUSED
    if result.outcome in ("RESET", "TIMEOUT"):
        return FAULT
    if result.outcome == "LINK":
        return LINK
    return _OF_CAUSE.get(result.cause, STOPPED)


def of_error(exc: Exception) -> tuple[int, str]:
    """The code of an error, and the sentence to print."""
    match exc:
        case TreatmentError():
            return USAGE, "\n".join(exc.problems)
        case Unacknowledged():
            return UNCERTAIN, f"{exc}. Ask again with `ionto info`; `ionto stop` stops whatever runs"
        case CommandRefused(code=18):
            return REFUSED, f"{exc}. `ionto stop` ends that run"
        case CommandRefused(code=17):
            return REFUSED, f"{exc}. `ionto info` shows it, `ionto clear` clears it"
        case CommandRefused() | OutputRefused():
            return REFUSED, str(exc)
        case LinkError() | ProtocolViolation():
            return LINK, str(exc)
        case RecordError():
            return USAGE, str(exc)
        case IontoError():
            return FAULT, str(exc)
        case _:
            return BUG, f"internal error ({type(exc).__name__}: {exc}); please report it with {_crash_log(exc)}"


def _crash_log(exc: Exception) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="ionto-crash-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.writelines(traceback.format_exception(exc))
    return log.name
