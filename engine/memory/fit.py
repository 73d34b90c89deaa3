"""Whether a model fits into memory, line by line, from its header alone. Pure but for the disk's speed, if asked for.

    needed = weights + copies of them (graphs) + KV cache + room for paused conversations + compute buffers + vocabulary

It is compared with a budget: what a person allows, or what is free and what idle models would give back. A model that
is larger can be paged if its weights allow it (`engine.models.page_plan`): then every token takes

    token_s = max(compute_s, streamed_bytes / disk_bytes_per_s)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.devices.room import gigabytes
from engine.footprint import Fit, FitLine, FitVerdict
from engine.memory.fit_remedies import Budget as Budget
from engine.memory.fit_remedies import fit_of, remedies
from engine.memory.load_size import LoadSize, Parts
from engine.memory.shortage import shortfall
from engine.models.page_plan import PagePlan


def _unknown() -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the machine is, as far as it is known.

    Attributes:
        token_s: seconds per token with all weights in memory; None if unknown.
        disk_bytes_per_s: measures how fast the model's disk reads; called if it would be paged. None if unknown.
    """

    token_s: float | None = None
    disk_bytes_per_s: Callable[[], float | None] = _unknown

    def paged_tokens_per_s(self, streamed_bytes: int) -> float | None:
        """With so many bytes read for every token; at most that, if only the disk's speed is known."""
        rate = self.disk_bytes_per_s()
        if rate is None or rate <= 0:
            return None
        token_s = max(self.token_s or 0.0, streamed_bytes / rate)
        return 1 / token_s if token_s > 0 else None


def verdict(size: LoadSize, budget: Budget, pace: Pace | None = None) -> FitVerdict:
    """Say whether a model fits.

    Args:
        size: what is known of the model.
        budget: what it may take.
        pace: how fast the machine is; None if nothing is known.
    """
    pace = pace if pace is not None else Pace()
    fit = fit_of(size, budget.size_bytes)
    paged = size.paged(budget.size_bytes) if fit is Fit.PAGING else None
    plan: PagePlan | None = None
    if paged is not None:
        parts, plan = paged
        speed = pace.paged_tokens_per_s(plan.streamed_bytes)
    else:
        parts = size.within(budget.size_bytes if fit is Fit.FITS else size.least_bytes)
        speed = 1 / pace.token_s if pace.token_s and size.is_text else None
    lines = tuple(_lines(size, parts, plan))
    needed = sum(line.size_bytes for line in lines)
    return FitVerdict(
        fit=fit,
        sentence=_sentence(size, budget, fit, needed, plan, _speed(pace, speed, plan)),
        lines=lines,
        needed_bytes=needed,
        budget_bytes=budget.size_bytes,
        budget_reason=budget.reason,
        context_tokens=size.context_tokens if size.is_text else 0,
        tokens_per_s=speed if fit is not Fit.NO else None,
        pinned_bytes=plan.pinned_bytes if plan is not None else 0,
        streamed_bytes=plan.streamed_bytes if plan is not None else 0,
        remedies=tuple(remedy.sentence for remedy in remedies(size, budget)),
        is_corrected=size.correction.is_known,
    )


def brief(size: LoadSize, budget_bytes: int, pace: Pace | None = None) -> tuple[Fit, float | None]:
    """The verdict in short, for many models: whether each fits, and how fast it would be, if that is known.

    Args:
        size: what is known of the model.
        budget_bytes: what it may take.
        pace: how fast the machine is; None if nobody wants to know, which is much quicker.
    """
    if size.least_bytes <= budget_bytes:
        return Fit.FITS, 1 / pace.token_s if pace is not None and pace.token_s and size.is_text else None
    needed = size.paged_bytes
    if needed is None or needed > budget_bytes:
        return Fit.NO, None
    paged = size.paged(budget_bytes) if pace is not None else None
    return Fit.PAGING, pace.paged_tokens_per_s(paged[1].streamed_bytes) if pace is not None and paged else None


def _sentence(size: LoadSize, budget: Budget, fit: Fit, needed: int, plan: PagePlan | None, speed: str) -> str:
    name = size.info.id
    if plan is not None:
        whole, pinned = gigabytes(size.weight_bytes), gigabytes(plan.pinned_bytes)
        read = gigabytes(plan.streamed_bytes)
        return f"{name} fits with paging{speed}: {pinned} of {whole} stay in memory, {read} are read per token."
    if fit is Fit.FITS:
        pace = f", and runs{speed}" if speed else ""
        return f"{name} fits{pace}: it takes {gigabytes(needed)} of {gigabytes(budget.size_bytes)}."
    limit = budget.size_bytes if budget.is_set else None
    return shortfall(name, size.least_bytes, budget.size_bytes, limit)


def _speed(pace: Pace, tokens_per_s: float | None, plan: PagePlan | None) -> str:
    if tokens_per_s is None:
        return ""
    about = "up to" if plan is not None and pace.token_s is None else "about"
    rate = f"{tokens_per_s:,.0f}" if tokens_per_s >= 9.95 else f"{tokens_per_s:.2g}"
    return f" at {about} {rate} {'token' if rate == '1' else 'tokens'} per second"


def _lines(size: LoadSize, parts: Parts, plan: PagePlan | None) -> Iterator[FitLine]:
    yield FitLine("Weights", parts.weights, _weights_note(size, plan))
    shape = size.shape
    if parts.copies:
        yield FitLine("Copies for speed", parts.copies, "while it is opened, by kind of operator")
    if parts.kv and shape is not None:
        cells = parts.kv // max(1, shape.kv_bytes_per_token)
        note = f"{cells:,} tokens, all answers together; {shape.layers} layers, {shape.kv_bytes_per_token:,} bytes each"
        yield FitLine("KV cache", parts.kv, note)
    if parts.conversations:
        yield FitLine("Conversations", parts.conversations, "room for those that pause")
    yield FitLine("Compute buffers", parts.compute, "for a step, and its results")
    if parts.vocabulary and shape is not None:
        yield FitLine("Vocabulary", parts.vocabulary, f"{shape.words:,} entries")
    if parts.program:
        yield FitLine("Program", parts.program, "threads, working memory, texts that are being read")
    if parts.reserve:
        yield FitLine("Reserve", parts.reserve, "left free for what is looked up and small things")
    if parts.process:
        yield FitLine("Process", parts.process, "Python and libraries in a process of its own")


def _weights_note(size: LoadSize, plan: PagePlan | None) -> str:
    if plan is not None:
        return f"of {gigabytes(size.weight_bytes)}; {gigabytes(plan.buffer_bytes)} of it for what is read"
    shape = size.shape
    if shape is None or not shape.parameters:
        return ""
    return f"{shape.parameters:,} weights, {shape.bits_per_weight:.1f} bits each"
