"""python examples/neighbours/ophyd_dose.py [PORT]: a treatment as one `set` of an ophyd-async device."""

import asyncio
import sys
from pathlib import Path

from controller import Treatment
from controller.aio import AsyncUnit
from controller.neighbours.ophyd import IontoDevice


async def main(port: str = "sim://?load=5k") -> int:
    async with await AsyncUnit.open(port) as unit:
        device = IontoDevice(unit, name="ionto")
        await device.connect()
        await device.set(Treatment.load(Path(__file__).with_name("bench.toml")))
        for name, reading in (await device.read()).items():
            print(name, reading["value"])
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:2])))
