"""Complete code: what belongs into a gap."""

from engine.plugins.api import Field, GenerateRequest, InvalidRequestError, Kind, Sampling, TaskContext, Values


class CompleteCode:
    """Fills a gap between two pieces of code."""

    id = "complete-code"
    title = "Complete code"
    summary = "Writes what belongs between two pieces of code."
    inputs: tuple[Field, ...] = (
        Field(name="prefix", title="Before the gap", multiline=True),
        Field(name="suffix", title="After the gap", multiline=True, required=False, default=""),
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="suffix"),
        Field(name="most_tokens", title="Most tokens", kind=Kind.INTEGER, default=256, least=1, most=8_192),
    )
    outputs: tuple[Field, ...] = (Field(name="code", title="Code", multiline=True),)

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Complete.

        Raises:
            InvalidRequestError: the model wrote nothing.
        """
        most = inputs["most_tokens"]
        assert isinstance(most, int)
        context.progress(0.0, "Completing")
        request = GenerateRequest(
            model=str(inputs["model"]),
            prompt=str(inputs["prefix"]),
            suffix=str(inputs.get("suffix", "")),
            max_tokens=most,
            sampling=Sampling(temperature=0.0),  # what belongs into a gap is no matter of chance
        )
        result = context.models.generate(request, lambda more: context.emit("code", more))
        if not result.text.strip():
            raise InvalidRequestError("The model sees nothing to fill in.", "Give more code before or after the gap.")
        context.progress(1.0)
        return {"code": result.text}
