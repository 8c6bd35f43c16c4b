"""What the practice provider knows, in an SQLite file of its own."""

import sqlite3
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Generic, TypeVar


@dataclass(slots=True)
class Payment:
    """One payment as its provider sees it. Money facts in won; `approvals` counts how often money moved."""

    tid: str
    cid: str
    partner_order_id: str
    partner_user_id: str
    item_name: str
    quantity: int
    total: int
    tax_free: int
    vat: int
    approval_url: str
    cancel_url: str
    fail_url: str
    created_at: str
    status: str = "READY"
    method: str = "MONEY"
    pg_token: str = ""
    approvals: int = 0
    canceled: int = 0
    canceled_tax_free: int = 0
    canceled_vat: int = 0
    cancels: int = 0
    approved_at: str | None = None
    canceled_at: str | None = None
    sid: str = ""


@dataclass(slots=True)
class Subscription:
    """A person's agreement to be charged again. `charges` counts how often that happened."""

    sid: str
    cid: str
    partner_user_id: str
    item_name: str
    created_at: str
    status: str = "ACTIVE"
    last_approved_at: str | None = None
    inactivated_at: str | None = None
    charges: int = 0


Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows of one dataclass, found by one of its fields. Built from the field names and nothing else."""

    def __init__(self, db: sqlite3.Connection, name: str, row: type[Row], key: str) -> None:
        self._db, self._row, self._key = db, row, key
        names = [field.name for field in fields(row)]  # type: ignore[arg-type]
        columns = ", ".join(names)
        db.execute(f"CREATE TABLE IF NOT EXISTS {name} (number INTEGER PRIMARY KEY, {columns}, UNIQUE ({key}))")
        # A file from before a field was thought of lacks its column.
        for missing in set(names) - {column[1] for column in db.execute(f"PRAGMA table_info({name})")}:
            db.execute(f"ALTER TABLE {name} ADD COLUMN {missing} DEFAULT ''")
        self._put = f"INSERT INTO {name} ({columns}) VALUES ({', '.join(':' + n for n in names)})"  # noqa: S608
        self._change = f"UPDATE {name} SET {', '.join(f'{n} = :{n}' for n in names)} WHERE {key} = :{key}"  # noqa: S608
        self._forget = f"DELETE FROM {name}"  # noqa: S608
        self._read = f"SELECT {columns} FROM {name}"  # noqa: S608

    def put(self, row: Row) -> None:
        self._db.execute(self._put, asdict(row))  # type: ignore[call-overload]

    def change(self, row: Row) -> None:
        self._db.execute(self._change, asdict(row))  # type: ignore[call-overload]

    def get(self, key: str, *, by: str = "") -> Row | None:
        found = self._db.execute(f"{self._read} WHERE {by or self._key} = ?", [key]).fetchone()
        return self._row(*found) if found else None

    def forget(self) -> None:
        """All rows."""
        self._db.execute(self._forget)

    def newest(self, limit: int) -> list[Row]:
        return [self._row(*found) for found in self._db.execute(f"{self._read} ORDER BY number DESC LIMIT ?", [limit])]


class Store:
    """Payments and subscriptions in a file. One thread uses it, and every change is written before it is answered."""

    def __init__(self, path: Path) -> None:
        self._db = opened(path)
        self.payments = Table(self._db, "payment", Payment, "tid")
        self.subscriptions = Table(self._db, "subscription", Subscription, "sid")

    def put(self, payment: Payment) -> None:
        self.payments.put(payment)

    def change(self, payment: Payment) -> None:
        self.payments.change(payment)

    def get(self, tid: str) -> Payment | None:
        return self.payments.get(tid)

    def newest(self, limit: int) -> list[Payment]:
        return self.payments.newest(limit)

    def forget(self) -> None:
        """Everything."""
        self.payments.forget()
        self.subscriptions.forget()

    def close(self) -> None:
        self._db.close()


def opened(path: Path) -> sqlite3.Connection:
    """The SQLite file at `path`, made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    return db
