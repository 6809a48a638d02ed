"""Host and device through random bad weather: what must hold at every step and after the storm."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from evlink_house import KEY, EvlinkHouse

from txocpp.errors import TxocppError
from txocpp.evse import Fault, FaultCode

FALLBACK_MA = 8000


class Storm:
    """One seeded story; every step something happens, and the laws are looked at."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        cable = self.dice.random() < 0.5
        key = KEY if self.dice.random() < 0.7 or not cable else None
        self.house = EvlinkHouse(
            2, key=key, cable=cable, settings={"fallback_a": 8}, lock=self.dice.random() < 0.5
        )
        self.house.start()
        self.loss = 0.0
        self.house.wire.tamper = self.tamper
        self.limits = {1: Decimal(0), 2: Decimal(0)}
        self.told_wh = {1: 0, 2: 0}
        self.answers: list[Any] = []

    def tamper(self, to_device: bool, data: bytes) -> bytes:
        """Frames are lost, halved, doubled and mixed with noise."""
        if self.dice.random() >= self.loss:
            return data
        return self.dice.choice([b"", data[: len(data) // 2], data + data, b"\xfe>9 " + data])

    def step(self) -> None:
        """Something happens."""
        house, dice = self.house, self.dice
        number = dice.choice((1, 2))
        evse, sim = house.device.evses[number - 1], house.sim.evse(number)
        match dice.randrange(14):
            case 0 | 1:
                self.limits[number] = Decimal(dice.choice((0, 5, 6, 10, 16, 40)))
                self.expect(evse.set_current_limit(self.limits[number]))
            case 2 | 3:
                self.expect(evse.permit(dice.random() < 0.7, at_once=dice.random() < 0.5))
            case 4 | 5:
                self.poke(sim.plug_out if sim.outlet.plugged else sim.plug_in)
            case 6:
                self.expect(evse.read_meter().addCallback(self.read, number))
            case 7:
                house.wire.cut()
            case 8:
                house.wire.reachable = dice.random() < 0.7
            case 9:
                self.loss = dice.choice((0.0, 0.2, 0.5))
            case 10:
                house.sim.power_cut(dice.choice((1, 30)))
            case 11:
                self.poke(lambda: sim.raise_fault(Fault(dice.choice(list(FaultCode)))))
            case 12:
                self.poke(sim.clear_fault)
            case 13:
                house.device.alive = dice.choice((lambda: True, lambda: False))
        house.run(dice.choice((0.01, 0.3, 2, 15, 60)))

    def expect(self, answer: Any) -> None:
        """It must come to something one day, a refusal or a dead line included."""
        self.answers.append(answer.addErrback(lambda failure: failure.trap(TxocppError)))

    @staticmethod
    def poke(what: Any) -> None:
        try:
            what()
        except TxocppError:
            return

    def read(self, reading: Any, number: int) -> None:
        """Registers never go back."""
        assert reading.energy_wh >= self.told_wh[number]
        self.told_wh[number] = reading.energy_wh

    def look(self) -> None:
        """What must hold always."""
        for number in (1, 2):
            state, outlet = self.house.sim.evse(number).state, self.house.sim.evse(number).outlet
            assert state.offered_a == 0 or 6 <= state.offered_a <= 32
            if state.energised:
                assert state.wants_energy
                assert outlet.permitted or not state.offered_a  # the car may let go gracefully
            if state.offered_a:
                # The fail-safe current is at most the last limit as well.
                asked = self.house.box.leases[number]
                assert state.offered_a * 1000 <= asked.limit_ma

    def calm_down(self) -> None:
        """The weather is fine again: both ends must come to agree."""
        self.loss = 0.0
        self.house.wire.reachable = True
        self.house.device.alive = lambda: True
        self.house.run(200)
        for number in (1, 2):
            host = self.house.device.evses[number - 1].state
            device = self.house.sim.evse(number)
            assert host.online
            assert device.outlet.limit_a == min(self.limits[number], 80)
            assert (host.car, host.energised) == (device.state.car, device.state.energised)
            assert host.offered_a == device.state.offered_a
            reading = self.house.device.evses[number - 1].read_meter()
            self.expect(reading.addCallback(self.read, number))
        self.house.run(5)
        assert all(answer.called for answer in self.answers)
        self.house.stop()


@pytest.mark.parametrize("seed", range(40))
def test_a_storm(seed: int) -> None:
    """Cuts, losses, restarts, faults and a host out of its senses; then agreement."""
    storm = Storm(seed)
    for _ in range(60):
        storm.step()
        storm.look()
    storm.calm_down()
