"""``ionto doctor``: the set-up of this machine, point by point: what is wrong and how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from controller.cli import exits
from controller.cli.choice import json_option

UDEV_RULE: Final = """\
# /etc/udev/rules.d/70-ionto.rules: ModemManager leaves the port alone, the person at the desk may open it
SUBSYSTEM=="tty", ATTRS{idVendor}=="VVVV", ATTRS{idProduct}=="PPPP", ENV{ID_MM_DEVICE_IGNORE}="1", TAG+="uaccess"
"""
_LATENCY_MS: Final = 2
_DISK_MB: Final = 200


@dataclass(frozen=True)
class Finding:
    """One point: whether it is well, what was seen, and the remedy where it is not."""

    point: str
    good: bool
    seen: str
    remedy: str = ""


@click.command()
@json_option
@click.option("--udev-rule", is_flag=True, help="print the udev rule to install, and nothing else")
def doctor(as_json: bool, udev_rule: bool) -> int:
    """Check permissions, ModemManager, latency, disk and clock.

    \b
    Example:  ionto doctor
    """
    if udev_rule:
        click.echo(UDEV_RULE, nl=False)
        return exits.DONE
    findings = list(_findings())
    if as_json:
        click.echo(json.dumps([asdict(f) for f in findings]))
    else:
        for f in findings:
            click.echo(f"{'ok  ' if f.good else 'MEND'}  {f.point:14} {f.seen}")
            if not f.good:
                click.echo(f"{'':20} {f.remedy}")
    return exits.DONE if all(f.good for f in findings) else exits.REFUSED


def _findings() -> Iterator[Finding]:
    yield Finding("python", True, f"{sys.version.split()[0]} on {sys.platform}")
    if sys.platform == "linux":
        yield _group()
        yield _modem_manager()
        yield from _latency_timers()
    yield from _ports()
    yield _disk()
    yield _clock()


def _group() -> Finding:
    import grp

    names = {grp.getgrgid(g).gr_name for g in os.getgroups() if g in {e.gr_gid for e in grp.getgrall()}}
    if os.geteuid() == 0 or names & {"dialout", "uucp"}:
        return Finding("permissions", True, "this user may open serial ports")
    return Finding(
        "permissions", False, "this user is not in the group dialout",
        "sudo usermod -aG dialout $USER, then log in again; or install the rule of `ionto doctor --udev-rule`",
    )  # fmt: skip


def _modem_manager() -> Finding:
    for status in Path("/proc").glob("[0-9]*/comm"):
        try:
            running = status.read_text().strip() == "ModemManager"
        except OSError:
            continue
        if running:
            return Finding(
                "ModemManager", False, "it is running, and writes AT commands into new ports for about 10 s",
                "install the rule of `ionto doctor --udev-rule` with the unit's vendor and product id",
            )  # fmt: skip
    return Finding("ModemManager", True, "not running")


def _latency_timers() -> Iterator[Finding]:
    for timer in sorted(Path("/sys/bus/usb-serial/devices").glob("*/latency_timer")):
        try:
            ms = int(timer.read_text())
        except (OSError, ValueError):
            continue
        name = timer.parent.name
        yield Finding(
            "latency", ms <= _LATENCY_MS, f"{name}: {ms} ms",
            f"echo 1 | sudo tee {timer}  (ionto also asks for low latency when it opens the port)",
        )  # fmt: skip


def _ports() -> Iterator[Finding]:
    from controller.serial_link import list_ports

    for port in list_ports():
        readable = os.access(port.device, os.R_OK | os.W_OK) or os.name != "posix"
        held = "" if port.holder is None else f", held by {port.holder.purpose} (pid {port.holder.pid})"
        yield Finding(
            "port", readable, f"{port.device} {port.description or ''}{held}",
            "no permission: see above",
        )  # fmt: skip


def _disk() -> Finding:
    free_mb = shutil.disk_usage(Path.cwd()).free // 1_000_000
    return Finding(
        "disk", free_mb >= _DISK_MB and os.access(Path.cwd(), os.W_OK), f"{free_mb} MB free here",
        f"a long run needs up to {_DISK_MB} MB in a folder that can be written: --out DIR",
    )  # fmt: skip


def _clock() -> Finding:
    good = time.time() > 1_750_000_000 and time.get_clock_info("monotonic").monotonic
    return Finding("clock", good, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "set the date: records carry it")
