"""AsyncUnit over the same rigs: the same treatment, the same record, and a STOP on every way out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from controller import CommandRefused, PortUnavailable, ProtocolViolation, Record, Sample, Treatment, Unit
from controller.aio import AsyncSession, AsyncUnit
from tests.monitors import one_whole_record
from tests.rigs import Once, Rig, in_hold, in_state, notes, small

Act = Callable[[AsyncSession, Sample], Any]


async def given(rig: Rig, out: Path, at: Act | None = None, dose_ma_min: float | None = None, **options: Any) -> Record:
    """A whole run under the eyes of the bench."""
    treatment = small(rig.dose_ma_min if dose_ma_min is None else dose_ma_min)
    eyes = rig.eyes()
    async with await AsyncUnit.open(rig.port) as unit, unit.deliver(treatment, out=out, **options) as run:
        async for sample in run:
            eyes.look()
            if at is not None:
                at(run, sample)
    assert run.is_quiet or "the port vanished" in str(run.record.data["warnings"])
    rig.settle()
    eyes.end(run.record)
    assert one_whole_record(out).data == run.record.data
    return run.record


def deliver(rig: Rig, out: Path, at: Act | None = None, **options: Any) -> Record:
    return asyncio.run(given(rig, out, at, **options))


@pytest.mark.needs("truth")
def test_a_treatment_ends_with_its_dose_and_a_whole_record(rig: Rig, tmp_path) -> None:
    record = deliver(rig, tmp_path)
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(rig.dose_ma_min, abs=rig.tolerance_ma_min)
    assert [note["verb"] for note in notes(record.folder, "intent")] == ["PRES", "ARM", "START"]
    assert record.trace.state[-1] == "DONE"


@pytest.mark.needs("exact_time")
def test_it_says_to_the_unit_what_a_session_says(rig: Rig, tmp_path) -> None:
    """In virtual time, byte for byte, but for the nonce and the ids, which are drawn from one seed in both."""

    def sent(folder: Path) -> list[str]:
        lines = (folder / "wire.log").read_text().splitlines()
        return [line.split(maxsplit=2)[2] for line in lines if " > " in line]

    with Unit.open("sim://dry-skin?seed=9") as unit, unit.deliver(small(), out=tmp_path / "blocking") as run:
        for _ in run:
            pass

    async def main() -> Record:
        async with (
            await AsyncUnit.open("sim://dry-skin?seed=9") as unit,
            unit.deliver(small(), out=tmp_path / "async") as run,
        ):
            async for _ in run:
                pass
        return run.record

    assert sent(asyncio.run(main()).folder) == sent(run.record.folder)


@pytest.mark.needs("truth")
@pytest.mark.served
def test_pause_and_resume_keep_the_dose(rig: Rig, tmp_path) -> None:
    pause = Once(in_hold(1.0), lambda run: run.pause())
    resume = Once(in_state("PAUSED"), lambda run: run.resume())

    def at(run: AsyncSession, sample: Sample) -> None:
        pause(run, sample)
        if sample.unit.i_ua <= 50:
            resume(run, sample)

    record = deliver(rig, tmp_path, at, attended=True)
    assert pause.done
    assert resume.done
    assert record.outcome == "DONE"
    assert record.dose_ma_min == pytest.approx(rig.dose_ma_min, abs=rig.tolerance_ma_min)


@pytest.mark.needs("open_electrode")
@pytest.mark.served("tcp")
def test_a_lead_that_comes_off_ends_the_run(rig: Rig, tmp_path) -> None:
    record = deliver(rig, tmp_path, Once(in_hold(1.0), lambda run: rig.door.lead_off()), dose_ma_min=4.0)
    assert record.outcome == "FAULT:01"


@pytest.mark.slow
@pytest.mark.needs("unplug")
@pytest.mark.served("pty", "tcp")
def test_unplugged_for_good_the_lease_ends_it(rig: Rig, tmp_path) -> None:
    """What nobody can ask is counted with the most that it can have been."""
    record = deliver(rig, tmp_path, Once(in_hold(1.0), lambda run: rig.door.unplug()), dose_ma_min=4.0)
    assert record.outcome == "UNKNOWN"
    low, high = record.dose_interval_ma_min
    assert low < high


@pytest.mark.needs("unplug", "exact_time")
def test_plugged_in_again_it_is_asked(rig: Rig, tmp_path) -> None:
    def unplug(run: AsyncSession) -> None:
        rig.world.act("unplug")
        rig.world.later(rig.world.now_us + 5_000_000, "replug", "")

    record = deliver(rig, tmp_path, Once(in_hold(1.0), unplug), dose_ma_min=4.0)
    assert record.outcome == "STOPPED"  # as a blocking session's
    assert any("lost its host" in warning for warning in record.data["warnings"])
    assert [note["kind"] for note in notes(record.folder, "link_back")] == ["link_back"]


@pytest.mark.needs("truth")
@pytest.mark.matrix(
    "how", ["stop", "abort", "leave", "raise", "request"], served=[("pty", "request"), ("tcp", "leave")]
)
def test_every_way_out_stops_the_current(rig: Rig, tmp_path, how) -> None:
    when = in_hold(0.5)

    async def main() -> AsyncSession:
        async with await AsyncUnit.open(rig.port) as unit:
            run = unit.deliver(small(4.0, 1.0), out=tmp_path)
            with suppress(ZeroDivisionError):
                async with run:
                    async for sample in run:
                        if not when(sample):
                            continue
                        if how == "leave":
                            break
                        if how == "raise":
                            raise ZeroDivisionError("a bug of the caller's")
                        if how == "request":
                            await asyncio.to_thread(run.request_stop)
                        else:
                            getattr(run, how)()
            eyes.look()
            return run

    eyes = rig.eyes()
    run = asyncio.run(main())
    assert run.record.outcome == ("ABORTED" if how == "abort" else "STOPPED")
    assert run.is_quiet
    eyes.end(run.record)
    assert (how == "raise") == any("a bug of the caller's" in warning for warning in run.record.data["warnings"])


@pytest.mark.needs("truth")
@pytest.mark.matrix("times", [1, 3], served=[("pty", 1), ("tcp", 3)])
def test_a_cancelled_task_stops_the_current_and_waits_for_it(rig: Rig, tmp_path, times) -> None:
    """However often it is cancelled: what stops is not."""
    when = in_hold(0.5)
    runs: list[AsyncSession] = []

    async def treat(held: asyncio.Event) -> None:
        async with await AsyncUnit.open(rig.port) as unit, unit.deliver(small(4.0, 1.0), out=tmp_path) as run:
            runs.append(run)
            async for sample in run:
                if when(sample):
                    held.set()

    async def main() -> None:
        held = asyncio.Event()
        task = asyncio.create_task(treat(held))
        await held.wait()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    [run] = runs
    assert run.record.outcome == "STOPPED"
    assert run.is_quiet
    assert abs(rig.truth()["i_ua"]) <= 10


@pytest.mark.needs("exact_time")
def test_a_time_limit_of_asyncio_stops_the_current(rig: Rig, tmp_path) -> None:
    async def in_time(run: AsyncSession) -> None:
        async with asyncio.timeout(None) as limit, run:
            async for sample in run:
                if sample.state.name == "HOLD":
                    limit.reschedule(asyncio.get_running_loop().time())

    async def main() -> AsyncSession:
        async with await AsyncUnit.open(rig.port) as unit:
            run = unit.deliver(small(4.0, 1.0), out=tmp_path)
            with pytest.raises(TimeoutError):
                await in_time(run)
            return run

    run = asyncio.run(main())
    assert run.record.outcome == "STOPPED"
    assert abs(rig.truth()["i_ua"]) <= 10


@pytest.mark.needs("exact_time")
def test_a_loop_that_is_blocked_loses_the_lease(rig: Rig, tmp_path) -> None:
    """Nothing keeps the unit going behind the back of the task that should watch it."""
    record = deliver(rig, tmp_path, Once(in_hold(1.0), lambda run: rig.door.advance(6)), dose_ma_min=4.0)
    assert record.outcome == "STOPPED"
    assert record.dose_ma_min < 0.5
    assert any("lost its host" in warning for warning in record.data["warnings"])


@pytest.mark.slow
@pytest.mark.needs("process")
@pytest.mark.served("tcp")
def test_another_process_stops_it(rig: Rig, tmp_path) -> None:
    """`ionto stop` finds the run by its claim on the port, as it finds a blocking one."""
    told: list[asyncio.Task[Any]] = []

    async def stop() -> Any:
        command = [sys.executable, "-m", "controller", "stop", "--port", rig.port, "--json"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout)

    def at(run: AsyncSession, sample: Sample) -> None:
        if sample.state.name == "HOLD" and not told:
            told.append(asyncio.get_running_loop().create_task(stop()))

    async def main() -> tuple[Record, Any]:
        record = await given(rig, tmp_path, at, dose_ma_min=20.0)
        return record, await told[0]

    record, answer = asyncio.run(main())
    assert record.outcome == "STOPPED"
    assert "zero" in str(answer)


@pytest.mark.needs("exact_time")
def test_calls_besides_runs(rig: Rig) -> None:
    async def main() -> None:
        unit = await AsyncUnit.open(rig.port)
        assert (await unit.status()).state.name == "IDLE"
        assert (await unit.ask("SELFTEST")).integer("res") == 0
        with pytest.raises(CommandRefused):
            await unit.ask("START", {"run": "0" * 26})
        assert (await unit.stop()).i_ua <= 10
        await unit.close()
        await unit.close()

    asyncio.run(main())


@pytest.mark.needs("exact_time")
def test_a_call_that_is_cancelled_leaves_a_unit_that_can_be_closed(rig: Rig) -> None:
    async def main() -> None:
        unit = await AsyncUnit.open(rig.port)
        asking = asyncio.create_task(unit.status())
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await unit.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("port", "error", "sentence"),
    [
        ("sim://skin?speed=8", PortUnavailable, "leave its speed out, or serve it"),
        ("socket://127.0.0.1:9", PortUnavailable, "nobody listens there"),
        ("socket://127.0.0.1", PortUnavailable, "write it as socket://host:port"),
        ("loop://", PortUnavailable, "loop://"),
        ("/dev/no-such-port", PortUnavailable, "there is no such port"),
        ("sim://skin?fault=mute", ProtocolViolation, "nothing answers"),
    ],
)
def test_what_cannot_be_opened_says_why(port, error, sentence) -> None:
    with pytest.raises(error, match=sentence.replace("?", r"\?")):
        asyncio.run(AsyncUnit.open(port))


def test_without_serialx_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "serialx", None)
    with pytest.raises(PortUnavailable, match=r"pip install 'ionto\[asyncio\]'"):
        asyncio.run(AsyncUnit.open("/dev/no-such-port"))


@pytest.mark.needs("process")
@pytest.mark.served("pty")
def test_one_port_is_one_programs(rig: Rig) -> None:
    async def main() -> None:
        async with await AsyncUnit.open(rig.port):
            with pytest.raises(PortUnavailable):
                Unit.open(rig.port)
            with pytest.raises(PortUnavailable):
                await AsyncUnit.open(rig.port)

    asyncio.run(main())


def test_a_run_in_asyncio_is_not_a_blocking_one(tmp_path) -> None:
    async def main() -> None:
        async with await AsyncUnit.open("sim://") as unit, unit.deliver(small(), out=None) as run:
            with pytest.raises(TypeError, match="async with"), run:
                pass
            with pytest.raises(TypeError, match="async for"):
                next(iter(run))

    asyncio.run(main())


def test_a_confirm_that_raises_leaves_the_block_and_a_record(tmp_path) -> None:
    """Between two phases nothing flows: there is nothing to wait for."""
    small_phase = {"pole": "-", "current_ma": 0.5, "dose_ma_min": 0.1, "ramp_up_ma_per_s": 0.5}
    treatment = Treatment.from_dict(
        {"format": 1, "name": "two", "load": "bench", "phase": [small_phase, {**small_phase, "pole": "+"}]}
    )

    def confirm(phase: object) -> bool:
        raise ZeroDivisionError

    async def main() -> AsyncSession:
        async with await AsyncUnit.open("sim://?load=5k") as unit:
            with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is left
                async with unit.deliver(treatment, out=tmp_path, confirm=confirm) as run:
                    async for _ in run:
                        pass
            return run

    run = asyncio.run(asyncio.wait_for(main(), 60))
    assert run.record.data["runs"][0]["outcome"] == "DONE"
    assert one_whole_record(tmp_path).data == run.record.data
