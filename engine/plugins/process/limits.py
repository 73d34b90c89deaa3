"""Limits of a plugin's process; parameters, so that tests need not wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """What a plugin's process may do before it is stopped.

    Attributes:
        start_s: most time for starting it, importing the plugin included.
        call_s: most time for one call; tasks have `Manifest.time_limit_s` instead.
        listen_s: most time that it may take to take a part of what it is sent; more than any machine needs.
        grace_s: most time that a cancelled task takes to end.
        busy_s: processor time that it may burn in a row while nothing is asked of it.
        flood_s: most time that it may send as much as the next two allow.
        messages_per_s: that it may send unasked, in the long run.
        bytes_per_s: of the same.
        failures: that stop it for good, if they come within `failure_window_s`.
        failure_window_s: see there.
        backoff_s: waiting times before it is started again.
        output_bytes: kept of what it prints; the rest is counted and dropped.
        calls: most calls in flight; fewer than the threads of the child.
        tick_s: time between two looks at it while a call is in flight.
    """

    start_s: float = 15.0
    call_s: float = 2.0
    listen_s: float = 10.0
    grace_s: float = 2.0
    busy_s: float = 5.0
    flood_s: float = 5.0
    messages_per_s: float = 2000.0
    bytes_per_s: float = 64 << 20
    failures: int = 3
    failure_window_s: float = 300.0
    backoff_s: tuple[float, ...] = (0.5, 2.0, 8.0)
    output_bytes: int = 64 << 10
    calls: int = 16
    tick_s: float = 0.1
