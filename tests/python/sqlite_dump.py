"""A database as SQL. Unlike `.dump` of SQLite's shell, `dump` keeps text that is not UTF-8, and its output does not
depend on the versions of SQLite and Python."""

import re
import sqlite3
from contextlib import closing


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return repr(value)
    kind, data = value
    try:
        if kind == "text" and b"\0" not in data:
            return "'" + data.decode().replace("'", "''") + "'"
    except UnicodeDecodeError:
        pass
    blob = f"X'{data.hex().upper()}'"
    return blob if kind == "blob" else f"CAST({blob} AS TEXT)"


def dump(path):
    """The SQL that makes this database again, without its page size and journal mode."""
    lines = ["PRAGMA foreign_keys=OFF;", "BEGIN;"]
    with closing(sqlite3.connect(path)) as connection:
        schema = connection.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type <> 'table', name"
        ).fetchall()
        statements = [(type, name, re.sub(r" +\n", "\n", sql)) for type, name, sql in schema]
        lines += [f"{sql};" for type, _, sql in statements if type == "table"]
        connection.text_factory = lambda data: ("text", data)
        for _, table, _ in (entry for entry in statements if entry[0] == "table"):
            for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
                values = ",".join(literal(("blob", v) if isinstance(v, bytes) else v) for v in row)
                lines.append(f"INSERT INTO {table} VALUES({values});")
        lines += [f"{sql};" for type, _, sql in statements if type != "table"]
    return "\n".join([*lines, "COMMIT;", ""])
