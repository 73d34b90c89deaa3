"""How ONNX Runtime is told what to run a graph on: a provider's rules, its devices, threads and fixed sides."""

from collections.abc import Mapping
from typing import Any

from engine.backends.onnx.devices import FoundDevice
from engine.backends.onnx.providers import CPU, Provider
from engine.backends.onnx.runtime import onnxruntime


def session_options(
    provider: Provider, found: FoundDevice | None, threads: int, sides: Mapping[str, int] | None = None
) -> Any:
    """Options of a session; the provider itself is in them, unless it is asked for by name (`providers_by_name`).

    Args:
        provider: that runs the graph.
        found: its device; None for the processor's own provider.
        threads: CPU threads of one operator.
        sides: free sides of the graph's inputs, by their names, and the length that each is to have.

    Returns:
        An onnxruntime.SessionOptions.

    Raises:
        NATIVE_ERRORS: the provider does not take the device.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it would print to the terminal is in the exception
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.dynamic_block_base", "4")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    for key, value in provider.session_entries.items():
        options.add_session_config_entry(key, value)
    if provider.is_sequential:
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    if not provider.memory_pattern:
        options.enable_mem_pattern = False
    for name, length in (sides or {}).items():
        options.add_free_dimension_override_by_name(name, length)
    if found is not None and found.device is not None:
        options.add_provider_for_devices([found.device], provider.options_for(threads) | dict(found.options))
    return options


def providers_by_name(
    provider: Provider, found: FoundDevice | None, threads: int
) -> list[tuple[str, dict[str, str]]] | None:
    """What a session is given as `providers`; None if its options hold the device."""
    if provider is CPU or found is None:
        return [(CPU.name, {})]
    if found.device is not None:
        return None
    return [(provider.name, provider.options_for(threads) | dict(found.options)), (CPU.name, {})]
