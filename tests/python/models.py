"""The specification's schema as SQLAlchemy models, as a shop's existing program has them.

    models.py write DATABASE     a file and a job about it; prints their ids as JSON
    models.py read DATABASE      prints all files and jobs as JSON
"""

import json
import sys
import uuid
from datetime import datetime
from typing import Optional

from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class File(Base):
    __tablename__ = "files"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    original_filename: Mapped[str]
    processed_filename: Mapped[Optional[str]]
    species: Mapped[Optional[str]]
    status: Mapped[str]
    drive_file_id: Mapped[Optional[str]]
    metadata_json: Mapped[Optional[str]]
    width: Mapped[Optional[int]]
    height: Mapped[Optional[int]]
    aspect_ratio: Mapped[Optional[str]]
    created_at: Mapped[Optional[datetime]] = mapped_column(server_default=func.current_timestamp())
    updated_at: Mapped[Optional[datetime]] = mapped_column(default=datetime.now)


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file_id: Mapped[Optional[uuid.UUID]] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"))
    command_type: Mapped[str]
    status: Mapped[str]
    attempts: Mapped[Optional[int]] = mapped_column(default=0)
    last_error: Mapped[Optional[str]]
    payload_json: Mapped[Optional[str]]
    result_json: Mapped[Optional[str]]
    created_at: Mapped[Optional[datetime]] = mapped_column(server_default=func.current_timestamp())
    started_at: Mapped[Optional[datetime]]
    completed_at: Mapped[Optional[datetime]]


def write(session):
    file = File(original_filename="buck.jpg", status="ingested", species="whitetail-deer", drive_file_id="drive-1")
    session.add(file)
    session.flush()
    payload = json.dumps({"file_id": str(file.id), "scale_factor": 2, "target_dpi": 300})
    job = Job(file_id=file.id, command_type="UpscaleImage", status="pending", payload_json=payload)
    session.add(job)
    session.commit()
    print(json.dumps({"file": file.id.hex, "job": job.id.hex}))


def read(session):
    def rows(model):
        columns = [column.key for column in model.__table__.columns]
        return [{column: getattr(row, column) for column in columns} for row in session.scalars(select(model))]

    print(json.dumps({"files": rows(File), "jobs": rows(Job)}, default=str))


def main():
    command, database = sys.argv[1:]
    engine = create_engine(f"sqlite:///{database}", connect_args={"check_same_thread": False, "timeout": 120})
    with Session(engine) as session:
        {"write": write, "read": read}[command](session)


main()
