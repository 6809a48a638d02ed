"""The clock of the demonstration."""

from twisted.internet.task import Clock

from txocpp.cli.demonstration.fastclock import FastClock


def test_calls_run_at_their_own_second_however_fast_time_runs() -> None:
    """A tick that spans several calls runs each of them at the virtual second it asked for."""
    wall = Clock()
    clock = FastClock(wall, begin=1000.0, factor=60.0)
    seen: list[tuple[str, float]] = []
    clock.callLater(0.5, lambda: seen.append(("first", clock.seconds())))

    def again() -> None:
        seen.append(("second", clock.seconds()))
        clock.callLater(0.1, lambda: seen.append(("third", clock.seconds())))

    clock.callLater(0.9, again)
    clock.start()
    wall.advance(0.02)
    assert seen == [("first", 1000.5), ("second", 1000.9), ("third", 1001.0)]
    clock.stop()
    assert wall.getDelayedCalls() == []


def test_the_factor_can_change_on_the_way() -> None:
    """After the story the clock goes on at the pace of the wall."""
    wall = Clock()
    clock = FastClock(wall, begin=0.0, factor=100.0)
    clock.start()
    wall.pump([0.02] * 50)
    assert round(clock.seconds()) == 100
    clock.factor = 1.0
    wall.pump([0.02] * 50)
    assert round(clock.seconds()) == 101
    clock.stop()
