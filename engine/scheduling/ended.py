"""What is remembered of a request that has ended."""

import time

from engine.queueing import EndedRequest, Outcome
from engine.scheduling.tickets import Ticket


def ended_request(ticket: Ticket, outcome: Outcome, error: str, lane: str) -> EndedRequest:
    """Summarise a request; now is its end."""
    clock, job = ticket.clock, ticket.job
    timings = clock.timings()
    began = clock.started_s is not None
    return EndedRequest(
        id=ticket.id,
        title=ticket.label.title,
        form=ticket.label.form,
        model=ticket.way.info.id if ticket.ways else ticket.label.model,
        client=ticket.label.client,
        urgency=ticket.urgency,
        outcome=outcome,
        ended_at=time.time(),
        lane=lane,
        error=error,
        waited_s=timings.queued_s + timings.load_s if began else timings.total_s,
        load_s=timings.load_s,
        prefill_s=timings.prefill_s if clock.prefilled_s is not None else 0.0,
        first_token_s=timings.first_token_s if clock.first_token_s is not None else None,
        total_s=timings.total_s,
        prompt_tokens=0 if job is None else job.prompt_tokens,
        output_tokens=0 if job is None else job.output_count,
    )
