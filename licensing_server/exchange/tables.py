"""Answers to enrolments, for a document that comes again."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base


class EnrolmentAnswer(Base):
    """The first receipt of a device; the entitlement is looked up anew."""

    __tablename__ = "enrolment_answer"

    enrolment: Mapped[str] = mapped_column(String(64), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"))
    receipt: Mapped[str] = mapped_column(Text)
    entitlement: Mapped[str] = mapped_column(Text)
