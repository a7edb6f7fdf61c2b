"""Appeals: an operator's objection, written down by staff and answered by another person than the one who ordered.

The answer decides nothing by itself: an appeal that is upheld is followed by a reinstatement, an order of its own.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import update

from licensing_server import accounts, audit_log, devices
from licensing_server.database import changed_one, new_id
from licensing_server.orders.place import order_of
from licensing_server.orders.tables import Appeal
from licensing_server.problem import Conflict, not_found
from licensing_server.web import Act


class Outcome(StrEnum):
    """What an appeal came to."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"


def record(act: Act, order_id: str, *, device: str | None, text: str) -> Appeal:
    """Write down what an operator objects to.

    Raises:
        NotFound: ``order.unknown``, ``device.unknown``.
    """
    order = order_of(act.session, order_id)
    if device is not None:
        devices.device_of(act.session, device)
    appeal = Appeal(
        id=new_id("appeal"),
        order=order.id,
        device=device,
        text=text,
        recorded_by=act.actor,
        received_at=act.now,
        outcome=None,
        answer=None,
        answered_by=None,
        answered_at=None,
    )
    act.session.add(appeal)
    act.session.flush()
    data = {"order": order.id, "device": device}
    _log(act, "appeal.recorded", appeal.id, data, text)
    return appeal


def answer(act: Act, order_id: str, appeal_id: str, *, outcome: Outcome, text: str) -> Appeal:
    """Answer an appeal against an order.

    Raises:
        NotFound: ``order.unknown``, ``appeal.unknown``; Conflict: ``appeal.answered``; SecondRefused:
            ``four_eyes.same_person``.
    """
    order = order_of(act.session, order_id)
    appeal = act.session.get(Appeal, appeal_id)
    if appeal is None or appeal.order != order.id:
        raise not_found("appeal", appeal_id)
    accounts.refuse_same(appeal.id, order.actor, act.actor)
    values = {"outcome": str(outcome), "answer": text, "answered_by": act.actor, "answered_at": act.now}
    waits = (Appeal.id == appeal_id, Appeal.answer.is_(None))
    if not changed_one(act.session.execute(update(Appeal).where(*waits).values(values))):
        raise Conflict("appeal.answered", "This appeal was answered already; the operator may appeal again.")
    _log(act, "appeal.answered", appeal.id, {"order": appeal.order, "outcome": str(outcome)}, text)
    return act.session.get_one(Appeal, appeal_id, populate_existing=True)


def _log(act: Act, type: str, subject: str, data: dict[str, str | None], text: str) -> None:
    audit_log.record(
        act.session, type, time=act.now, actor=act.actor, subject=subject, data=data, sensitive={"text": text}
    )
