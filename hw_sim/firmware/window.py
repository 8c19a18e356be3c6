"""The dose window: what a patient may get in 24 h, over runs, resets and nights without power.

The charge is kept by the hour it was closed in: the hour that runs and the 24 before it, so that nothing is forgotten
before it is 24 h old and at most an hour later than that. A list of runs with times was rejected: contact checks have
no run, and 64 runs may be fewer than a day's.

Time is the unit's: powered time, and the time without power as the first HELLO after a boot tells it by its `utc`,
compared with the last one known. A second HELLO of the same boot changes nothing, because the unit knows the time
since the first: a host whose clock jumps cannot empty the window. Backwards is no time; a unit that never heard a `utc`
has no time pass while it is off. Unsure is always more.
"""

LIMIT_UC = 9_600_000  # 160 mA.min
CHECK_UC = 50  # a contact check: 50 uA for 1 s
HOUR_S = 3600
BINS = 25
NEW = (0, 0, 0) + (0,) * BINS  # utc of now (0 unknown), seconds of this hour, runs counted, uC by hour, newest first


def power_on(unit) -> None:  # type: ignore[no-untyped-def]
    unit.store.window_at = unit.now()
    unit.store.window_told = 0
    settle(unit)


def pass_time(unit) -> None:  # type: ignore[no-untyped-def]
    """Powered time since the last look; at least one an hour, long before the uptime wraps."""
    store = unit.store
    seconds = ((unit.now() - store.window_at) & 0xFFFFFFFF) // 1000
    store.window_at = (store.window_at + seconds * 1000) & 0xFFFFFFFF
    utc = store.window[0]
    _shift(store, seconds, utc + seconds if utc else 0)


def _shift(store, seconds: int, utc: int) -> None:  # type: ignore[no-untyped-def]
    into = store.window[1] + seconds
    hours = into // HOUR_S
    bins = store.window[3:]
    if hours:
        bins = ((0,) * min(hours, BINS) + bins)[:BINS]
    store.window = (utc, into % HOUR_S, store.window[2]) + bins


def told(unit, utc: int) -> bool:  # type: ignore[no-untyped-def]
    """A HELLO says what time it is; only the first since power-on that does is news."""
    store = unit.store
    pass_time(unit)
    if store.window_told:
        return True
    store.window_told = 1
    known = store.window[0]
    passed = utc - known if known and utc > known else 0
    _shift(store, passed, utc if utc > known else known)
    return store.save_window()  # type: ignore[no-any-return]


def add(unit, uc: int) -> None:  # type: ignore[no-untyped-def]
    """Charge of now."""
    w = unit.store.window
    unit.store.window = w[:3] + (w[3] + uc,) + w[4:]


def checked(unit) -> bool:  # type: ignore[no-untyped-def]
    """The charge of a contact check, recorded before it flows; False when the memory refuses."""
    if unit.hal.jumper:
        return True
    pass_time(unit)
    add(unit, CHECK_UC)
    return unit.store.save_window()


def admits(unit, uc: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether ``uc`` more may be committed now. No other run is: it would be open, and this one refused for that."""
    pass_time(unit)
    return unit.hal.jumper or sum(unit.store.window[3:]) + uc <= LIMIT_UC


def settle(unit) -> bool:  # type: ignore[no-untyped-def]
    """Count the runs closed since the last time, by their number, so that a cut in between loses or doubles none."""
    store = unit.store
    done = store.window[2]
    first = store.count - len(store.runs)
    if done >= store.count:
        return True
    pass_time(unit)
    for k in range(len(store.runs)):
        run = store.runs[k]
        if first + k >= done and run[1]:
            if run[4]:
                add(unit, run[2])
            done = first + k + 1
    if done == store.window[2]:
        return True
    store.window = store.window[:2] + (done,) + store.window[3:]
    return store.save_window()  # type: ignore[no-any-return]
