"""The drivers: a person, SCPI meters and decade boxes against pyvisa-sim, the bench door in its two forms."""

from __future__ import annotations

from math import inf

import pytest

from controller.bench.errors import InstrumentError
from controller.bench.eye import WatchedUnit
from controller.bench.instruments import door, visa
from controller.bench.instruments.prompts import Operator
from hw_sim.door import Door, DoorConnection
from hw_sim.scenario import parse
from tests.bench.benches import recipe, values, verified

SIMULATED = """
spec: "1.1"
devices:
  dmm:
    eom: {GPIB INSTR: {q: "\\n", r: "\\n"}}
    dialogues:
      - {q: "*IDN?", r: "KEYSIGHT,34461A,MY1,1.0"}
      - {q: "READ?", r: "+1.49800000E-03"}
      - {q: "FETCH?", r: "9.9E37"}
      - {q: "MEAS?", r: "ERR"}
      - {q: "CONF:CURR:DC"}
      - {q: "CONF:VOLT:DC"}
  box:
    eom: {GPIB INSTR: {q: "\\n", r: "\\n"}}
    dialogues:
      - {q: "*IDN?", r: "IET,PRS-300,1,1.0"}
    properties:
      ohms:
        default: 0
        getter: {q: "SOUR:RES?", r: "{:.1f}"}
        setter: {q: "SOUR:RES {:.1f}"}
resources:
  GPIB0::22::INSTR: {device: dmm}
  GPIB0::5::INSTR: {device: box}
"""


@pytest.fixture
def backend(tmp_path) -> str:
    path = tmp_path / "bench.yaml"
    path.write_text(SIMULATED, "utf-8")
    return f"{path}@sim"


def clock() -> float:
    return 7.0


def test_a_scpi_meter_reads_in_our_units(backend):
    resource = visa.open_resource("GPIB0::22::INSTR", backend)
    meter = visa.ScpiMeter(resource, "GPIB0::22::INSTR", clock)
    assert meter.identity.name == "KEYSIGHT,34461A,MY1,1.0"
    assert meter.quantities == {"current"}
    assert meter.read("current") == (7.0, pytest.approx(1498.0))
    with pytest.raises(InstrumentError, match="measures current, not voltage"):
        meter.read("voltage")
    meter.close()


@pytest.mark.parametrize(("query", "said"), [("FETCH?", "overloaded"), ("MEAS?", "no number")])
def test_what_is_no_reading_is_told(backend, query, said):
    resource = visa.open_resource("GPIB0::22::INSTR", backend)
    with pytest.raises(InstrumentError, match=said):
        visa.ScpiMeter(resource, "dmm", clock, quantity="voltage", query=query)
    resource.close()


def test_a_decade_box_is_set(backend):
    resource = visa.open_resource("GPIB0::5::INSTR", backend)
    box = visa.DecadeBox(resource, "box", clock, command="SOUR:RES {ohm:.1f}")
    assert box.turn(4700) == 7.0
    assert resource.query("SOUR:RES?") == "4700.0"
    with pytest.raises(InstrumentError, match="no open_command"):
        box.turn(inf)
    box.close()


def test_nobody_at_the_address(backend):
    with pytest.raises(InstrumentError, match="GPIB0::9::INSTR"):
        visa.ScpiMeter(visa.open_resource("GPIB0::9::INSTR", backend), "GPIB0::9::INSTR", clock)


def test_a_person_is_asked_between_runs_and_told_while_current_flows():
    asked, told = [], []
    person = Operator(told.append, asked.append)
    person.fit(10_000)
    person.fit(10_000)
    assert asked == ["fit 10 kohm, then press Enter"]
    assert person.turn(inf) is None
    assert told == ["NOW, while current flows: fit nothing: leave the output open"]
    person.fit(10_000)
    assert len(asked) == 2


class Wire:
    """The TCP door without a socket: lines of JSON to the simulator's own parser."""

    def __init__(self, answers: DoorConnection) -> None:
        self.answers, self.waiting = answers, b""

    def sendall(self, data: bytes) -> None:
        self.waiting += self.answers.feed(data)

    def makefile(self, mode: str) -> Wire:
        return self

    def close(self) -> None:
        pass

    def readline(self) -> bytes:
        line, _, self.waiting = self.waiting.partition(b"\n")
        return line


def test_the_door_over_tcp_speaks_as_its_page_says(monkeypatch):
    world = parse("bench-5k").world()
    monkeypatch.setattr(door.socket, "create_connection", lambda *_: Wire(DoorConnection(Door(world), "sesame")))
    bench = door.of_address("127.0.0.1:5026", "sesame")
    assert bench.turn(4700) == world.now_us / 1e6
    assert bench.read("current").value == 0.0
    assert bench.do("interlock") is not None
    bench.undo("interlock")
    assert Door(world).faults()["faults"] == []
    with pytest.raises(InstrumentError, match="decade box ends"):
        bench.turn(2e6)
    monkeypatch.setenv("IONTO_DOOR_TOKEN", "please")
    with pytest.raises(InstrumentError, match="wrong token"):
        door.of_address("127.0.0.1:5026", None)


def test_without_a_meter_accuracy_is_not_measured_and_not_failed(tmp_path):
    what = recipe(tmp_path, 'steps = ["accuracy"]\n[accuracy]\nset_points_ma = [2.0]\nloads_kohm = [5.0]\n')
    with WatchedUnit.open("sim://bench-5k") as unit:
        from controller.bench.instruments.fitting import Fitted
        from controller.bench.verify import Verification
        from tests.bench.benches import STATION

        person = Operator(lambda _: None, lambda _: None)
        record = Verification(
            unit, what, STATION, Fitted(load=person, meter=None, hands=person, records=()), out=None
        ).run()
    assert values(record) == {
        "accuracy.error.5k.2mA": None, "accuracy.reading.5k.2mA": None, "accuracy.went_through": 1.0,
    }  # fmt: skip
    assert record.outcome == "PASS"
    assert "the unit's own reading proves nothing" in next(record.measurements).reason
    assert record.warnings == (
        "no meter at this station: 2 of 3 measurements need one, and nothing proves the current",
    )


def test_with_a_meter_the_calibration_date_is_with_the_value(tmp_path):
    what = recipe(tmp_path, 'steps = ["polarity"]\n')
    record = verified("sim://bench-5k", what, None)
    assert values(record)["polarity.positive"] == pytest.approx(500, abs=2)
    assert values(record)["polarity.negative"] == pytest.approx(-500, abs=2)
    assert [each.role for each in record.instruments] == ["meter", "load"]
