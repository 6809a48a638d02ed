"""`python -m bench.store_year`: a year of a thousand connectors in the store, and what pages ask.

    python -m bench.store_year                       SQLite, 3 days of complete samples, minutes
    python -m bench.store_year --connectors 100      a first impression
    python -m bench.store_year --complete-days 30    all that the default settings keep: 15 GB
    python -m bench.store_year --database postgresql://USER@HOST/EMPTY

Every connector says its meter values once a minute all the year. What is older than the days of
complete samples is there as it is after thinning, one row a quarter of an hour. Two transactions
and ten statuses a day come with it, and some hours of the message log. The store is made in a
temporary folder and removed at the end. Queries are asked as the pages ask them; the first time
counts as well as the typical one, since nobody looks at a page a thousand times.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.figures import Table, quantile, spoken
from txocpp.storage.central import CentralStore, Records
from txocpp.storage.central.address import database_url, is_postgresql
from txocpp.storage.central.schema import from_ms

DAY_MS = 86_400_000
QUARTER_MS = 900_000
MINUTE_MS = 60_000
END_MS = 1_798_761_600_000
"""The present of the simulated year, 1 January 2027."""
CONNECTORS_PER_STATION = 2
REPETITIONS = 15
ROWS_AT_ONCE = 200_000
SAMPLED = (
    '[["12345678","","","Wh"],["7360.0","Power.Active.Import","","W"],'
    '["16.0","Current.Import","L1","A"],["16.0","Current.Import","L2","A"],'
    '["15.9","Current.Import","L3","A"],["230.1","Voltage","L1-N","V"],'
    '["230.4","Voltage","L2-N","V"],["16.0","Current.Offered","","A"]]'
)
FRAME = '[2,"8f14e45f-ceea-467f-a8d4-0b3b8f4f6c1a","MeterValues",{"connectorId":1,"x":"' + (
    "." * 1000 + '"}]'
)

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :last)"

# Rows that come in the order of time, one of each connector in turn.
TURN = "((:first + i) / :connectors)"
STATION = f"((:first + i) % :connectors / {CONNECTORS_PER_STATION} + 1)"
CONNECTOR = f"((:first + i) % {CONNECTORS_PER_STATION} + 1)"
MOMENT = f"(:begin + {TURN} * :step)"

FILL = {
    "meter_interval": f"""
        INSERT INTO meter_interval (station_id, connector, at, transaction_id, energy_wh, power_w,
            power_max_w, current_a, offered_a, soc_percent, samples)
        {NUMBERS} SELECT :station, :connector, :begin + i * :step, :first + i / 48, i * 1725.0,
            6900.0 + i % 400, 7400.0, 10.0 + i % 6, 16.0, NULL, 15 FROM n""",
    "meter_sample": f"""
        INSERT INTO meter_sample (station_id, connector, at, digest, transaction_id, context,
            energy_wh, power_w, current_a, offered_a, soc_percent, sampled_values)
        {NUMBERS} SELECT :station, :connector, :begin + i * :step, 1234567890, :first + i / 720,
            'Sample.Periodic', i * 115.0, 6900.0 + i % 400, 10.0 + i % 6, 16.0, NULL, :values
        FROM n""",
    "charging_transaction": f"""
        INSERT INTO charging_transaction (id, station_id, connector, id_tag, meter_start,
            started_at, received_at, start_status, state, stopped_at, meter_stop, stop_reason, note)
        {NUMBERS} SELECT :first + i + 1, {STATION}, {CONNECTOR}, 'TAG' || (i * 7 % 5000),
            {TURN} * 82800, {MOMENT}, {MOMENT}, 'Accepted', 'stopped',
            {MOMENT} + :step - 60000, ({TURN} + 1) * 82800, 'Local', '' FROM n""",
    "status_change": f"""
        INSERT INTO status_change (station_id, connector, status, error_code, changed_at,
            received_at)
        {NUMBERS} SELECT {STATION}, {CONNECTOR}, 'Charging', 'NoError', {MOMENT}, {MOMENT}
        FROM n""",
    "message_log": f"""
        INSERT INTO message_log (station_id, at, direction, frame)
        {NUMBERS} SELECT {STATION}, {MOMENT}, 'in', :frame FROM n""",
}


def say(text_: str) -> None:
    """Progress goes to standard error."""
    print(f"store_year: {text_}", file=sys.stderr, flush=True)


class Year:
    """The store and how it is filled."""

    def __init__(self, store: CentralStore, chosen: argparse.Namespace) -> None:
        self.store = store
        self.connectors: int = chosen.connectors
        self.days: int = chosen.days
        self.complete_days = min(chosen.complete_days, chosen.days)
        self.log_hours: int = chosen.log_hours
        self.begin_ms = END_MS - self.days * DAY_MS

    @property
    def places(self) -> list[tuple[int, int]]:
        """(station, connector) of every connector."""
        return [
            (number // CONNECTORS_PER_STATION + 1, number % CONNECTORS_PER_STATION + 1)
            for number in range(self.connectors)
        ]

    def fill(self) -> None:
        """A commit for every connector, as far as its own rows go."""
        result_of(self.store.write(self._stations))
        began = time.monotonic()
        for number, (station, connector) in enumerate(self.places):
            result_of(
                self.store.write(
                    lambda records, n=number, s=station, c=connector: self._history(
                        records, n, s, c
                    )
                )
            )
            if (number + 1) % max(1, self.connectors // 20) == 0:
                spent = time.monotonic() - began
                left = spent / (number + 1) * (self.connectors - number - 1)
                say(f"{number + 1} of {self.connectors} connectors, {left:.0f} s to go")
        for table, begin_ms, step_ms, more in (
            ("charging_transaction", self.begin_ms, DAY_MS // 2, {}),
            ("status_change", self.begin_ms, DAY_MS // 10, {}),
            ("message_log", END_MS - self.log_hours * 3_600_000, MINUTE_MS // 2, {"frame": FRAME}),
        ):
            say(table)
            self._by_time(table, begin_ms, step_ms, **more)
        result_of(self.store.write(begin_last))

    def _stations(self, records: Records) -> None:
        for number in range(-(-self.connectors // CONNECTORS_PER_STATION)):
            station = records.stations.add(
                f"CP{number:05}", from_ms(self.begin_ms), registration="Accepted", vendor="Acme"
            )
            for connector in range(1, CONNECTORS_PER_STATION + 1):
                records.connection.execute(
                    text(
                        "INSERT INTO connector (station_id, connector, status, error_code, "
                        "changed_at, received_at) VALUES (:s, :c, 'Charging', 'NoError', :t, :t)"
                    ),
                    {"s": station.id, "c": connector, "t": END_MS},
                )

    def _history(self, records: Records, number: int, station: int, connector: int) -> None:
        thinned_ms = (self.days - self.complete_days) * DAY_MS
        complete_ms = self.begin_ms + thinned_ms
        common = {"station": station, "connector": connector, "first": number + 1}
        if thinned_ms:
            self._run(records, "meter_interval", self.begin_ms, QUARTER_MS, complete_ms, common)
        sampled = {**common, "values": SAMPLED}
        self._run(records, "meter_sample", complete_ms, MINUTE_MS, END_MS, sampled)

    def _by_time(self, table: str, begin_ms: int, step_ms: int, **more: Any) -> None:
        """Rows whose keys follow the time, some at a time."""
        rows = (END_MS - begin_ms) // step_ms * self.connectors
        for first in range(0, rows, ROWS_AT_ONCE):
            values = {
                **more,
                "begin": begin_ms,
                "step": step_ms,
                "first": first,
                "last": min(ROWS_AT_ONCE, rows - first) - 1,
                "connectors": self.connectors,
            }
            result_of(
                self.store.write(
                    lambda records, v=values: (
                        records.connection.execute(text(FILL[table]), v) and None
                    )
                )
            )
            if first and first // ROWS_AT_ONCE % 5 == 0:
                say(f"{first} of {rows} rows")

    def _run(
        self,
        records: Records,
        table: str,
        begin_ms: int,
        step_ms: int,
        end_ms: int,
        values: dict[str, Any],
    ) -> None:
        last = (end_ms - begin_ms) // step_ms - 1
        if last >= 0:
            named = {**values, "begin": begin_ms, "step": step_ms, "last": last}
            statement = FILL[table]
            used = {name: value for name, value in named.items() if f":{name}" in statement}
            records.connection.execute(text(statement), used)


def begin_last(records: Records) -> None:
    """The newest transactions are running, and no id of theirs is given again."""
    connection = records.connection
    newest = connection.execute(text("SELECT max(id) FROM charging_transaction")).scalar() or 0
    connection.execute(
        text(
            "UPDATE charging_transaction SET state = 'running', stopped_at = NULL, "
            "meter_stop = NULL, stop_reason = NULL WHERE id > :newest"
        ),
        {"newest": newest - 500},
    )
    if connection.dialect.name == "postgresql":
        # The server does so by itself, a minute later.
        connection.execute(text("ANALYZE"))


def result_of(deferred: Any) -> Any:
    """The result of a Deferred that has fired already."""
    results: list[Any] = []
    deferred.addCallbacks(results.append, lambda failure: failure.raiseException())
    failures: list[Any] = []
    deferred.addErrback(failures.append)
    if failures:
        failures[0].raiseException()
    return results[0]


Question = Callable[[Records, int, int], Any]


def questions(year: Year) -> list[tuple[str, Question]]:
    """What pages ask, each of some station and connector."""
    now = from_ms(END_MS)
    day = timedelta(days=1)

    def chart(length: timedelta, before: timedelta = timedelta(0)) -> Question:
        return lambda records, s, c: records.samples.series(
            s, c, since=now - before - length, until=now - before
        )

    def of_transaction(records: Records, s: int, c: int) -> Any:
        found = records.transactions.page(station_id=s, connector=c, limit=200)
        old = found[len(found) // 2]
        assert old.started_at is not None
        return records.samples.series(
            s,
            c,
            since=old.started_at,
            until=None if old.stopped_at is None else old.stopped_at + day,
            transaction_id=old.id,
        )

    def overview(records: Records, s: int, c: int) -> Any:
        page = records.stations.page(limit=100)
        keys = [station.id for station in page]
        return records.stations.connectors(keys), records.transactions.all_running(keys)

    return [
        ("overview: 100 stations with connectors", overview),
        ("chart of the last day", chart(day)),
        ("chart of a week, half a year ago", chart(7 * day, 180 * day)),
        ("chart of the year", chart(365 * day)),
        ("newest meter value", lambda r, s, c: r.samples.latest(s, c)),
        ("meter values of an old transaction", of_transaction),
        ("newest 100 transactions", lambda r, s, c: r.transactions.page()),
        ("transactions of a station", lambda r, s, c: r.transactions.page(station_id=s)),
        ("transactions of a tag", lambda r, s, c: r.transactions.page(id_tag=f"tag{s}")),
        (
            "transactions of a week, half a year ago",
            lambda r, s, c: r.transactions.page(since=now - 187 * day, until=now - 180 * day),
        ),
        ("running transactions", lambda r, s, c: r.transactions.page(state="running")),
        (
            "statuses of a connector",
            lambda r, s, c: r.stations.status_history(s, connector=c, before=None, limit=100),
        ),
        ("newest messages of a station", lambda r, s, c: r.notices.messages(s)),
        (
            "messages of a station, searched in vain",
            lambda r, s, c: r.notices.messages(s, search="no such word"),
        ),
    ]


def measure(year: Year) -> Table:
    """First and typical time of every question."""
    rows = []
    places = year.places
    for name, question in questions(year):
        times = []
        for turn in range(REPETITIONS):
            station, connector = places[turn * 7919 % len(places)]
            began = time.perf_counter()
            result_of(year.store.read(lambda r, q=question, s=station, c=connector: q(r, s, c)))
            times.append((time.perf_counter() - began) * 1000)
        rows.append([name, spoken(times[0]), spoken(quantile(times, 0.5)), spoken(max(times))])
    return Table(
        "Questions of the pages",
        ("question", "first ms", "median ms", "slowest ms"),
        rows,
        "Each of another connector every time; the operating system remembers what it may.",
    )


def sizes(year: Year, folder: Path | None) -> Table:
    """Rows and bytes."""
    rows = []
    for table in FILL:
        count = result_of(
            year.store.read(
                lambda r, t=table: r.connection.execute(text(f"SELECT count(*) FROM {t}")).scalar()
            )
        )
        size = result_of(year.store.read(lambda r, t=table: _bytes(r, t)))
        mib = "-" if size is None else spoken(size / 2**20)
        each = "-" if size is None or not count else spoken(size / count)
        rows.append([table, f"{count:,}", mib, each])
    if folder is not None:
        whole = sum(path.stat().st_size for path in folder.iterdir())
        rows.append(["all files", "", spoken(whole / 2**20), ""])
    return Table("Sizes", ("table", "rows", "MiB", "bytes / row"), rows, "With their indexes.")


def _bytes(records: Records, table: str) -> int | None:
    connection = records.connection
    if connection.dialect.name == "postgresql":
        found = connection.execute(
            text("SELECT pg_total_relation_size(CAST(:table AS regclass))"), {"table": table}
        ).scalar()
        return None if found is None else int(found)
    try:
        found = connection.execute(
            text(
                "SELECT sum(pgsize) FROM dbstat WHERE aggregate AND name IN "
                "(SELECT name FROM sqlite_master WHERE tbl_name = :table)"
            ),
            {"table": table},
        ).scalar()
    except Exception:
        # SQLite was built without this table.
        return None
    return None if found is None else int(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.store_year",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--connectors", type=int, default=1000, metavar="N")
    parser.add_argument("--days", type=int, default=365, metavar="N")
    parser.add_argument("--complete-days", type=int, default=3, metavar="N")
    parser.add_argument("--log-hours", type=int, default=6, metavar="N")
    parser.add_argument("--database", metavar="URL", help="an empty PostgreSQL database")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the SQLite file is made")
    chosen = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder: Path | None = None
        if chosen.database is not None and is_postgresql(database_url(chosen.database)):
            store = CentralStore(chosen.database, exclusive=True)
        else:
            made = tempfile.TemporaryDirectory(prefix="txocpp-year-", dir=chosen.folder)
            folder = Path(stack.enter_context(made))
            need = chosen.connectors * (chosen.days * 8_000 + chosen.complete_days * 700_000)
            if shutil.disk_usage(folder).free < need * 1.5:
                say(f"{need / 2**30:.1f} GiB will be needed, which is too much for {folder}")
                return 1
            store = CentralStore(folder / "central.sqlite3", synchronous="normal", exclusive=True)
        result_of(store.open())
        stack.callback(store.close)
        year = Year(store, chosen)
        began = time.monotonic()
        year.fill()
        say(f"filled in {time.monotonic() - began:.0f} s; asking")
        tables = [measure(year), sizes(year, folder)]
        what = f"{year.connectors} connectors, {year.days} days, of which {year.complete_days}"
        print(f"{what} complete; {store if folder is None else 'SQLite'}\n")
        print("\n".join(table.text() for table in tables))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
