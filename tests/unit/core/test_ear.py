"""Orders from other threads and requests of other processes: heard once, in order, and answered when it is true."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from controller.ear import Call, Ear, situation
from controller.link import ByteLink, Verb
from controller.sample import Sample
from controller.wire import Telemetry, UnitState
from tests.unit.core.story import TO_HOLD, play

LINE = Telemetry(0x4A17, 0x02F3, 82_100, UnitState.HOLD, 1500, 1498, 1499, 6270, 4186, 82_470, 1830, False, True, 0)


class Request:
    def __init__(self, verb: Verb) -> None:
        self.verb: Verb = verb
        self.answers: list[Mapping[str, object]] = []

    def answer(self, reply: Mapping[str, object]) -> None:
        self.answers.append(reply)


class Link:
    """As much of a link as an ear needs."""

    def __init__(self, *requests: Request) -> None:
        self.heard = list(requests)
        self.woken = 0

    def requests(self) -> list[Request]:
        heard, self.heard = self.heard, []
        return heard

    def wake(self) -> None:
        self.woken += 1


def ear_of(link: Link) -> Ear:
    return Ear(cast("ByteLink", cast("Any", link)))


def test_an_order_wakes_the_read_and_is_heard_once_before_what_other_processes_ask() -> None:
    request = Request("pause")
    link = Link(request)
    ear = ear_of(link)
    ear.call("stop", "SIGTERM")
    ear.call("abort", "Ctrl-C twice")
    assert link.woken == 2
    assert list(ear.listen()) == [
        Call("stop", "SIGTERM"),
        Call("abort", "Ctrl-C twice"),
        Call("pause", "another process", request),
    ]
    assert not ear.listen()


@pytest.mark.parametrize("verb", ["pause", "resume", "status"])
def test_a_request_is_answered_when_it_was_heeded(verb: Verb) -> None:
    request = Request(verb)
    ear = ear_of(Link(request))
    [call] = ear.listen()
    ear.answer(call, {"done": False})
    assert request.answers == [{"done": False}]
    assert not ear.stops


@pytest.mark.parametrize("verb", ["stop", "abort"])
def test_a_stop_is_answered_once_when_the_current_is_off(verb: Verb) -> None:
    request = Request(verb)
    ear = ear_of(Link(request))
    [call] = ear.listen()
    ear.answer(call, {"zero": False})
    assert (request.answers, ear.stops) == ([], [request])
    ear.answer_stops({"zero": True})
    ear.answer_stops({"zero": True})
    assert request.answers == [{"zero": True}]


def test_a_call_of_this_process_expects_no_answer() -> None:
    ear = ear_of(Link())
    ear.answer(Call("stop", "SIGTERM"), {})
    assert not ear.stops


def test_what_another_process_is_told() -> None:
    engine = play(TO_HOLD).engine
    assert situation(engine, Sample(77.1, 1, LINE), "SN0042", quiet=False, done=True) == {
        "done": True, "state": "HOLDING", "run": "RUN1", "current_ua": 1498, "zero": False, "dose_ma_min": 1.3745,
        "unit": "SN0042",
    }  # fmt: skip


def test_what_another_process_is_told_before_the_first_telemetry() -> None:
    engine = play("begin | STAGING | PRES").engine
    told = situation(engine, None, "SN0042", quiet=False, done=False)
    assert (told["current_ua"], told["dose_ma_min"], told["zero"]) == (None, None, False)
