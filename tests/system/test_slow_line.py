"""A unit that is there but cannot be understood in time is not called a stranger."""

import pytest

from controller import ProtocolViolation, Unit


@pytest.mark.parametrize("fault", ["L09:ms=1000", "L09:ms=700,jitter=300"])
def test_a_unit_behind_a_bad_line_is_told_from_another_product(fault: str) -> None:
    with pytest.raises(ProtocolViolation, match="an ionto unit is there, but its answers come too late or not whole"):
        Unit.open(f"sim://?fault={fault}")


@pytest.mark.parametrize("what", ["modem", "echo"])
def test_another_product_is_still_told_as_one(what: str) -> None:
    with pytest.raises(ProtocolViolation, match="this is not an ionto unit; it said"):
        Unit.open(f"sim://?fault=L19:what={what}")
