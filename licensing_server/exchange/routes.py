"""What devices send; each request carries its own signature."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from licensing_protocol.canonical import JsonObject, encode
from licensing_protocol.exchange import Answer, EnrollmentRequest, EvidenceRequest
from licensing_server import clock
from licensing_server.exchange.challenge import challenge
from licensing_server.exchange.check_in import check_in
from licensing_server.exchange.counter import Counter
from licensing_server.exchange.enrol import enrol
from licensing_server.exchange.schemas import AnswerReply, ChallengeReply, EnrollmentBody, EvidenceBody
from licensing_server.web import Identifier, public

router = APIRouter(prefix="/v1", tags=["exchange with devices"])


@router.post(
    "/enrollments",
    dependencies=[public("signed by the new device key, with a one-time token")],
    response_model=AnswerReply,
)
def post_enrollment(request: Request, body: EnrollmentBody) -> Response:
    """Enrol: `{enrollment}` in, `{receipt, entitlement}` out; the same document gets the same answer."""
    counter = _admitted(request)
    return _sent(enrol(counter, EnrollmentRequest.parse(_strict(request)), clock.now()))


@router.post("/devices/{device}/challenges", dependencies=[public("a nonce is no secret")])
def post_challenge(request: Request, device: Identifier) -> ChallengeReply:
    """Get a nonce to put into the next evidence."""
    counter = _admitted(request)
    return ChallengeReply(nonce=challenge(counter.challenge_key, device, clock.now()))


@router.post(
    "/devices/{device}/evidence",
    dependencies=[public("signed by the device's key")],
    response_model=AnswerReply,
)
def post_evidence(request: Request, device: Identifier, body: EvidenceBody) -> Response:
    """Check in: `{evidence, receipt, refusal?}` in, `{receipt | refusal, entitlement?, notices}` out."""
    counter = _admitted(request)
    return _sent(check_in(counter, device, EvidenceRequest.parse(_strict(request)), clock.now()))


def _admitted(request: Request) -> Counter:
    counter: Counter = request.app.state.counter
    counter.admit(request)
    return counter


def _sent(answer: Answer) -> Response:
    # As bytes: the framework would take another thread to look at the answer first.
    return Response(encode(answer.to_json()), media_type="application/json")


def _strict(request: Request) -> JsonObject:
    # What the protocol's own decoder made of the exact bytes, not another JSON library. That it is an object was said.
    decoded: JsonObject = request.state.json
    return decoded
