"""The specification's six tables as SQLAlchemy models, in the two ways in which shops write them.

`text` has texts everywhere: ids of 36 characters, statuses by their values, JSON that the program encodes itself.
`typed` uses SQLAlchemy's types on the same tables: `Uuid` writes 32 digits, `Enum` writes the names of an enum's
members, `JSON` writes `null` for None. Only `text` makes tables: its schema is the specification's.
"""

import enum
import uuid
from datetime import datetime
from typing import Any, Optional

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class TextBase(DeclarativeBase):
    """The models of `text`. Their metadata is what Alembic makes the first migration from."""


class TypedBase(DeclarativeBase):
    """The models of `typed`."""


class FileStatus(enum.Enum):
    INGESTED = "ingested"
    PROCESSING = "processing"
    PROCESSED = "processed"
    APPROVED = "approved"
    PUBLISHED = "published"
    FAILED = "failed"


class JobStatus(enum.Enum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class ListingStatus(enum.Enum):
    DRAFT = "draft"
    ACTIVE = "active"
    SOLD_OUT = "sold_out"
    DELISTED = "delisted"


def text_id():
    return mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))


def text_file_id(on_delete="CASCADE", index=True, nullable=True):
    return mapped_column(String(36), ForeignKey("files.id", ondelete=on_delete), index=index, nullable=nullable)


def now(**options):
    """A time that SQLite sets, in UTC and without a fraction, unless the program sets it."""
    return mapped_column(server_default=func.current_timestamp(), **options)


def changed():
    """As `now`, but set to the local time at each update: `datetime.now` has no zone, and SQLAlchemy stores none. Such
    a value cannot be told from a time in UTC afterwards."""
    return now(onupdate=datetime.now)


class File(TextBase):
    __tablename__ = "files"
    id: Mapped[str] = text_id()
    original_filename: Mapped[str]
    processed_filename: Mapped[Optional[str]]
    species: Mapped[Optional[str]] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(index=True)
    drive_file_id: Mapped[Optional[str]] = mapped_column(index=True)
    metadata_json: Mapped[Optional[str]] = mapped_column(Text)
    width: Mapped[Optional[int]]
    height: Mapped[Optional[int]]
    aspect_ratio: Mapped[Optional[str]]
    created_at: Mapped[Optional[datetime]] = now()
    updated_at: Mapped[Optional[datetime]] = changed()


class Job(TextBase):
    __tablename__ = "jobs"
    id: Mapped[str] = text_id()
    file_id: Mapped[Optional[str]] = text_file_id()
    command_type: Mapped[str] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(index=True)
    attempts: Mapped[Optional[int]] = mapped_column(server_default="0")
    last_error: Mapped[Optional[str]]
    payload_json: Mapped[Optional[str]] = mapped_column(Text)
    result_json: Mapped[Optional[str]] = mapped_column(Text)
    created_at: Mapped[Optional[datetime]] = now()
    started_at: Mapped[Optional[datetime]]
    completed_at: Mapped[Optional[datetime]]


class ProcessedHash(TextBase):
    __tablename__ = "processed_hashes"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    file_id: Mapped[Optional[str]] = text_file_id("SET NULL", index=False)
    created_at: Mapped[Optional[datetime]] = now(index=True)


class ApiUsage(TextBase):
    __tablename__ = "api_usage"
    id: Mapped[int] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(index=True)
    endpoint: Mapped[Optional[str]]
    request_count: Mapped[Optional[int]] = mapped_column(server_default="1")
    rate_limit_remaining: Mapped[Optional[int]]
    rate_limit_reset_at: Mapped[Optional[datetime]]
    recorded_at: Mapped[Optional[datetime]] = now(index=True)


class Listing(TextBase):
    __tablename__ = "listings"
    id: Mapped[str] = text_id()
    file_id: Mapped[str] = text_file_id(nullable=False)
    platform: Mapped[str] = mapped_column(index=True)
    platform_listing_id: Mapped[str]
    listing_url: Mapped[Optional[str]]
    status: Mapped[str]
    created_at: Mapped[Optional[datetime]] = now()
    updated_at: Mapped[Optional[datetime]] = changed()
    __table_args__ = (UniqueConstraint("platform", "platform_listing_id", name="uq_listings_platform_id"),)


class SocialPost(TextBase):
    __tablename__ = "social_posts"
    id: Mapped[str] = text_id()
    file_id: Mapped[str] = text_file_id(nullable=False)
    platform: Mapped[str] = mapped_column(index=True)
    post_type: Mapped[Optional[str]]
    platform_post_id: Mapped[Optional[str]]
    post_url: Mapped[Optional[str]]
    posted_at: Mapped[Optional[datetime]] = now()


class TypedFile(TypedBase):
    __tablename__ = "files"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    original_filename: Mapped[str]
    species: Mapped[Optional[str]]
    status: Mapped[FileStatus]
    drive_file_id: Mapped[Optional[str]]
    metadata_json: Mapped[Optional[Any]] = mapped_column(JSON)
    created_at: Mapped[Optional[datetime]] = now()
    updated_at: Mapped[Optional[datetime]] = changed()


class TypedJob(TypedBase):
    __tablename__ = "jobs"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file_id: Mapped[Optional[uuid.UUID]] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"))
    command_type: Mapped[str]
    status: Mapped[JobStatus]
    attempts: Mapped[Optional[int]] = mapped_column(default=0)
    payload_json: Mapped[Optional[Any]] = mapped_column(JSON)
    result_json: Mapped[Optional[Any]] = mapped_column(JSON)
    created_at: Mapped[Optional[datetime]] = now()
    started_at: Mapped[Optional[datetime]]
    completed_at: Mapped[Optional[datetime]]


class TypedListing(TypedBase):
    __tablename__ = "listings"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"))
    platform: Mapped[str]
    platform_listing_id: Mapped[str]
    status: Mapped[ListingStatus]
    created_at: Mapped[Optional[datetime]] = now()
    updated_at: Mapped[Optional[datetime]] = changed()


class TypedPost(TypedBase):
    __tablename__ = "social_posts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"))
    platform: Mapped[str]
    platform_post_id: Mapped[Optional[str]]
    posted_at: Mapped[Optional[datetime]] = now()
