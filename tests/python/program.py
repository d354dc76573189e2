"""A shop's Python program: the statements that SQLAlchemy's ORM makes of everyday work. Each command prints JSON.

    program.py STYLE DATABASE insert            a file, a job and a listing of it; prints their ids
    program.py STYLE DATABASE get ID            the file with this id, or null
    program.py STYLE DATABASE by-status STATUS  the ids of the files with this status
    program.py STYLE DATABASE update ID STATUS  changes a file; prints how many rows were changed
    program.py STYLE DATABASE delete ID         deletes a file; prints how many rows were deleted
    program.py STYLE DATABASE read              all rows that these models have
    program.py STYLE DATABASE fill              two rows of each model that differ in nothing but their keys
    program.py STYLE DATABASE work              runs a job of `fill` to its end; prints the states that it had
    program.py text DATABASE hash HASH          whether a webhook is a repetition; if not, its hash is noted
    program.py text DATABASE purge TIME         deletes the hashes that are older than 24 hours at this time

STYLE is `text` or `typed`, as in `shop_models.py`. ID is as the column has it, STATUS is a value of the specification.
"""

import json
import sys
import uuid
from datetime import datetime, timedelta

from sqlalchemy import create_engine, delete, event, select, update
from sqlalchemy.orm import Session

import shop_models as models


class TextStyle:
    file, job, listing = models.File, models.Job, models.Listing
    tables = [models.File, models.Job, models.ProcessedHash, models.ApiUsage, models.Listing, models.SocialPost]
    id = file_status = job_status = listing_status = staticmethod(str)
    json = staticmethod(json.dumps)


class TypedStyle:
    file, job, listing = models.TypedFile, models.TypedJob, models.TypedListing
    tables = [models.TypedFile, models.TypedJob, models.TypedListing, models.TypedPost]
    id, file_status = uuid.UUID, models.FileStatus
    job_status, listing_status = models.JobStatus, models.ListingStatus
    json = staticmethod(lambda value: value)


def columns(row):
    """A row as JSON: an id as text of 36 characters, an enum as its value, JSON as text because of its NaN."""

    def plain(value):
        return json.dumps(value) if isinstance(value, (dict, list)) else getattr(value, "value", value)

    return {column.key: plain(getattr(row, column.key)) for column in row.__table__.columns}


def insert(style, session):
    file = style.file(original_filename="heron.jpg", species="heron", status=style.file_status("published"))
    file.metadata_json = style.json({"title": "Heron"})
    session.add(file)
    session.flush()
    payload = style.json({"file_id": str(file.id), "scale_factor": 4, "target_dpi": 300})
    job = style.job(
        file_id=file.id, command_type="UpscaleImage", status=style.job_status("pending"), payload_json=payload
    )
    listing = style.listing(file_id=file.id, platform="etsy", status=style.listing_status("active"))
    listing.platform_listing_id = f"inserted-{file.id}"
    session.add_all([job, listing])
    session.flush()
    return {"file": file.id, "job": job.id, "listing": listing.id}


def get(style, session, id):
    file = session.get(style.file, style.id(id))
    return file and columns(file)


def by_status(style, session, status):
    files = select(style.file).where(style.file.status == style.file_status(status)).order_by(style.file.id)
    return [file.id for file in session.scalars(files)]


def change(style, session, id, status):
    statement = update(style.file).where(style.file.id == style.id(id)).values(status=style.file_status(status))
    return session.execute(statement).rowcount


def remove(style, session, id):
    return session.execute(delete(style.file).where(style.file.id == style.id(id))).rowcount


def read(style, session):
    return {model.__tablename__: [columns(row) for row in session.scalars(select(model))] for model in style.tables}


AN_OLD_TIME = datetime(2020, 1, 2, 3, 4, 5, 678000)
LATER = AN_OLD_TIME + timedelta(minutes=9)


def values(style, model, file_id):
    """A value for each column of a model, the same for each row but for the keys."""
    statuses = {"files": style.file_status("processed"), "jobs": style.job_status("pending")}
    statuses["listings"] = style.listing_status("draft")
    table, values = model.__table__, {}
    for column in table.columns:
        name = column.key
        if column.foreign_keys:
            values[name] = file_id
        elif name == "status":
            values[name] = statuses[table.name]
        elif name.endswith("_json"):
            values[name] = style.json({"title": "Grebe"})
        elif name == "platform_listing_id":
            values[name] = f"filled-{uuid.uuid4()}"
        elif name == "hash":
            values[name] = uuid.uuid4().hex * 2
        elif not column.primary_key:
            words = {"command_type": "UpdateImage", "platform": "etsy", "post_type": "pin"}
            if table.name == "social_posts":
                words["platform"] = "pinterest"
            values[name] = {int: 7, datetime: AN_OLD_TIME}.get(column.type.python_type, words.get(name, name))
    return values


def fill(style, session):
    ids = {}
    for model in style.tables:
        table = model.__table__
        for _ in range(2):
            row = model(**values(style, model, ids.get("files", [None])[0]))
            session.add(row)
            # Rows that are flushed together become one statement.
            session.flush()
            [key] = table.primary_key.columns
            ids.setdefault(table.name, []).append(getattr(row, key.key))
    return ids


def work(style, session):
    """Takes the oldest pending job as such programs do: without a lease, and with one more attempt."""
    pending = select(style.job).where(style.job.status == style.job_status("pending"))
    job = session.scalars(pending.order_by(style.job.created_at).limit(1)).one()
    states = [job.status]
    for status, changes in [
        ("running", {"attempts": (job.attempts or 0) + 1, "started_at": LATER}),
        ("failed", {"last_error": "timeout", "completed_at": LATER}),
        ("pending", {"started_at": None, "completed_at": None}),
        ("completed", {"result_json": style.json({"ok": True}), "completed_at": LATER}),
    ]:
        job.status = style.job_status(status)
        for column, value in changes.items():
            setattr(job, column, value)
        session.flush()
        states.append(job.status)
    return [getattr(state, "value", state) for state in states]


def is_repetition(style, session, hash):
    known = session.get(models.ProcessedHash, hash) is not None
    if not known:
        session.add(models.ProcessedHash(hash=hash))
    return known


def purge(style, session, now):
    limit = datetime.fromisoformat(now) - timedelta(hours=24)
    return session.execute(delete(models.ProcessedHash).where(models.ProcessedHash.created_at < limit)).rowcount


COMMANDS = {
    "insert": insert,
    "get": get,
    "by-status": by_status,
    "update": change,
    "delete": remove,
    "read": read,
    "fill": fill,
    "work": work,
    "hash": is_repetition,
    "purge": purge,
}


def main():
    style, database, command, *arguments = sys.argv[1:]
    engine = create_engine(f"sqlite:///{database}", connect_args={"check_same_thread": False, "timeout": 120})
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    with Session(engine) as session:
        answer = COMMANDS[command]({"text": TextStyle, "typed": TypedStyle}[style], session, *arguments)
        session.commit()
    print(json.dumps(answer, default=str))


main()
