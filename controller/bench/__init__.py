"""The bench: is this unit within its specification, and can that be proven next year?

``measurement`` what is measured, against which limits · ``record`` the verification as a value and as
``verification.json`` · ``recipe`` what is to be done, from TOML · ``procedures`` how · ``instruments`` with what ·
``station`` where · ``verify`` the run of it all · ``report`` pictures and tables of a record.

A procedure declares its measurements before anything flows, so that a record names everything that was to be known:
what was not reached says NOT_MEASURED and why. Nothing here knows the simulator; a simulated bench is an instrument
like any other (``instruments.door``). Rejected: limits in the procedures' code, which nobody can review; and a verdict
that counts what was not measured as passed, or as failed.
"""

from __future__ import annotations
