"""Records the statements that programs after the specification issue, as SQL with their values.

    record_statements.py FILE     writes crates/fieldfen-migrate/compat/specification.sql

The programs are those of this folder, unchanged: `specification.py` with the module sqlite3, and `program.py` with
SQLAlchemy in both styles. Each uses a database of its own, which SQLAlchemy has made. Transactions, pragmas and the
schema are left out. Ids and times are always the same, and so is the record.
"""

import io
import json
import random
import runpy
import sqlite3
import sys
import tempfile
import uuid
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path

# The models keep the function that they find when they are imported.
source = random.Random("statements of programs after the specification")
uuid.uuid4 = lambda: uuid.UUID(int=source.getrandbits(128), version=4)

from sqlalchemy import create_engine  # noqa: E402

import shop_models as models  # noqa: E402

NOW = datetime(2020, 1, 3, 3, 4, 5, 678000)
HEADER = """\
-- The statements of programs after the specification, in the order of their run. Each migration must let them work.
-- `just record-statements` has written this file: tests/python/record_statements.py.
-- fieldfen schema: 0001
"""
traced = []


def open_traced(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(traced.append)
    return connection


connect, sqlite3.connect = sqlite3.connect, open_traced
sqlite3.dbapi2.connect = open_traced


def fix_times():
    """Replaces `datetime.now` in the models."""
    for base in (models.TextBase, models.TypedBase):
        for table in base.metadata.tables.values():
            for column in table.columns:
                if column.onupdate is not None:
                    column.onupdate.arg = lambda context: NOW


def output(script, *arguments):
    """Runs a program in this process, and returns what it prints."""
    path = Path(__file__).with_name(script)
    argv, sys.argv = sys.argv, [str(path), *arguments]
    try:
        with redirect_stdout(io.StringIO()) as printed:
            runpy.run_path(str(path))
    finally:
        sys.argv = argv
    return printed.getvalue()


def statements():
    """The statements since the last call. SQLite names a DELETE or UPDATE again for what follows from foreign keys."""
    last = None
    for sql in traced:
        word = sql.split(maxsplit=1)[0].upper()
        repeated = word in ("DELETE", "UPDATE") and sql == last
        if word in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH") and not repeated:
            yield "\n".join(line.rstrip() for line in sql.strip().splitlines())
        last = sql
    traced.clear()


class Recording:
    def __init__(self):
        self.text = HEADER

    def program(self, script, *style):
        """Begins the statements of a program, and returns a function that runs one of its commands."""
        database = str(Path(self.folder.name) / f"{len(self.text)}.db")
        models.TextBase.metadata.create_all(create_engine(f"sqlite:///{database}"))
        traced.clear()
        self.text += f"-- fieldfen program: {' '.join([script, *style])}\n"

        def ask(command, *arguments):
            place = [*style, database, command] if style else [command, database]
            printed = output(script, *place, *arguments)
            for sql in statements():
                self.text += f"-- fieldfen statement: {command}\n{sql};\n"
            return printed

        return ask

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self.folder.cleanup()


def main():
    [target] = sys.argv[1:]
    fix_times()
    with Recording() as recording:
        ask = recording.program("specification.py")
        ask("write")
        ask("read")
        ask("enqueue", "1")
        for style in ("text", "typed"):
            ask = recording.program("program.py", style)
            file = json.loads(ask("insert"))["file"]
            ask("get", file)
            # A status that few files have: the rehearsal runs these statements on real data.
            ask("by-status", "processing")
            ask("update", file, "processed")
            filled = json.loads(ask("fill"))
            ask("work")
            if style == "text":
                ask("hash", filled["processed_hashes"][0])
                ask("hash", uuid.uuid4().hex * 2)
                ask("purge", NOW.isoformat())
            ask("read")
            ask("delete", file)
        Path(target).write_text(recording.text)


main()
