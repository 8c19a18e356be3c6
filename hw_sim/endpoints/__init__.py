"""How the outside reaches a simulated unit. ``register()`` gives any pySerial program ``sim://``."""

from __future__ import annotations


def register() -> None:
    """Let ``serial.serial_for_url`` find ``protocol_sim`` in this package."""
    import serial

    if __name__ not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(__name__)
