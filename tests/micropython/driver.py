"""MicroPython's side of the comparison: replay a tape through ``control.tick``, tick by tick.

``inputs.bin`` holds what the hardware said (four 16 bit words a tick), ``changes.json`` what anything but the
tick wrote into the record before a tick. Only the tick itself runs with the heap locked: what surrounds it,
here as in ``hw_sim/firmware/main.py``, may allocate. The CRC runs over every field of the record after every
tick, so that the first tick that differs is named.
"""

import gc
import json
import os
from array import array
from binascii import crc32, hexlify

import host  # run.mjs
import micropython

from hw_sim.firmware import control
from hw_sim.firmware.record import FIELDS, Record

HERE = "/board/"


def load():
    with open(HERE + "inputs.bin", "rb") as file:
        inputs = array("H", file.read())
    changes = {}
    with open(HERE + "changes.json") as file:
        tape = json.load(file)
    for tick, name, value in tape["changes"]:
        changes.setdefault(tick, []).append((name, value))
    return inputs, changes, tape["stride"]


def sense(s, inputs, k):
    at = 4 * k
    s.adc_i = inputs[at]
    s.adc_i2 = inputs[at + 1]
    s.adc_v = inputs[at + 2]
    flags = inputs[at + 3]
    s.relay_fb = flags & 1
    s.cmp_i = flags >> 1 & 1
    s.cmp_v = flags >> 2


def copy(s, fields):
    """All of the record into an array that is there already: garbage made 10 000 times would cost a minute."""
    get = getattr
    n = 0
    for name in FIELDS:
        fields[n] = get(s, name)
        n += 1  # noqa: SIM113 - enumerate makes a tuple of every pair


def compare(inputs, changes, stride):
    """Every tick with the heap locked: the running CRC of the whole record after every ``stride``-th tick, and the
    record at the end.
    """
    tick = control.tick
    s = Record()
    crc = 0
    ticks = len(inputs) // 4
    crcs = array("I", bytes(4 * (ticks // stride)))
    fields = array("i", s.snapshot())
    refused = None
    for k in range(ticks):
        sense(s, inputs, k)
        for name, value in changes.get(k, ()):
            setattr(s, name, value)
        micropython.heap_lock()
        try:
            tick(s)
        except MemoryError:
            refused = k
        micropython.heap_unlock()
        if refused is not None:
            break
        copy(s, fields)
        crc = crc32(fields, crc)
        if (k + 1) % stride == 0:
            crcs[k // stride] = crc
    return {"crcs": hexlify(bytes(crcs)).decode(), "record": s.snapshot(), "refused": refused}


def stretch(s, inputs, start, end):
    tick = control.tick
    for k in range(start, end):
        sense(s, inputs, k)
        tick(s)


def measure(inputs, changes, meter):
    """The same ticks with the heap free to use: by how much they advance the meter, from one change to the next."""
    s = Record()
    bounds = sorted(set(changes) | {0, len(inputs) // 4})
    total = 0
    for n in range(len(bounds) - 1):
        for name, value in changes.get(bounds[n], ()):
            setattr(s, name, value)
        before = meter()
        stretch(s, inputs, bounds[n], bounds[n + 1])
        total += meter() - before
    return total


def firmware_files():
    return sorted([name[:-3] for name in os.listdir(HERE + "hw_sim/firmware") if name.endswith(".py")])


def leave(result):
    with open(HERE + "result.json", "w") as file:
        json.dump(result, file)


# -- jobs, by the name that run.mjs is given -----------------------------------------------------------------


def lockstep():
    inputs, changes, stride = load()
    result = compare(inputs, changes, stride)
    result["us"] = measure(inputs, changes, host.cpu_us)
    gc.collect()
    gc.disable()
    result["bytes"] = measure(inputs, changes, gc.mem_alloc)
    leave(result)


def dialogue():
    """Import every file of the firmware, whatever they are called, and talk to it."""
    names = firmware_files()
    for name in names:
        __import__("hw_sim.firmware." + name)
    from dialogue import GREETING, STEPS, conversation

    leave({"imported": names, "greeting": conversation(GREETING), "sent": conversation(STEPS)})
