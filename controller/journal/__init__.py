"""What stays of a treatment: wire log, trace, record, plot; and how to get them back after a crash."""

from __future__ import annotations

from controller.journal.journal import Journal
from controller.journal.record import Record
from controller.journal.recover import recover

__all__ = ["Journal", "Record", "recover"]
