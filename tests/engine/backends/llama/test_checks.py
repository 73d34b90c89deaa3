"""Every field of a request has a range, and the message names both."""

import math

import pytest

from engine.backends.llama.checks import MAX_SEED, check_request
from engine.errors import InvalidRequestError
from engine.types import GenerateRequest, Message, Sampling, user

VOCABULARY = 100


def check(**fields: object) -> None:
    check_request(GenerateRequest(model="x", **({"prompt": "a"} | fields)), VOCABULARY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, bad)
            for name in ("temperature", "top_p", "min_p", "repeat_penalty")
            for bad in (math.nan, math.inf, -1)
        ),
        *((name, bad) for name in ("frequency_penalty", "presence_penalty") for bad in (math.nan, -math.inf, 11.0)),
        ("temperature", 5.1),
        ("temperature", "hot"),
        ("temperature", True),
        ("top_p", 1.01),
        ("min_p", 2),
        ("repeat_penalty", 0),
        ("top_k", -1),
        ("top_k", 2.5),
        ("top_k", 1 << 63),
        ("penalty_last_tokens", -1),
        ("penalty_last_tokens", 1 << 20),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("seed", True),
    ],
)
def test_sampling_out_of_range(name, value):
    with pytest.raises(InvalidRequestError, match=name):
        check(sampling=Sampling(**{name: value}))


@pytest.mark.parametrize(
    "bias", [{VOCABULARY: 1.0}, {-1: 1.0}, {1.5: 1.0}, {1: math.nan}, {1: math.inf}, {1: -1001.0}, [(1, 2)]]
)
def test_logit_bias_out_of_range(bias):
    with pytest.raises(InvalidRequestError, match="logit_bias"):
        check(sampling=Sampling(logit_bias=bias))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_tokens": 0}, "max_tokens is 0, but must be a whole number from 1"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"logprobs": -1}, "logprobs"),
        ({"logprobs": 101}, "logprobs"),
        ({"stop": "abc"}, "stop"),
        ({"stop": (1,)}, "stop"),
        ({"stop": ("",)}, "stop string is empty"),
        ({"stop": tuple(map(str, range(5000)))}, "stop strings"),
        ({"json_schema": "{}", "grammar": 'root ::= "a"'}, "exclude each other"),
        ({"overflow": "error please"}, "overflow"),
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": None}, "prompt is empty"),
        ({"prompt": 5}, "must be text"),
        ({"suffix": 5}, "must be text"),
        ({"messages": (user("a"),)}, "exclude each other"),
        ({"prompt": None, "messages": (user("a"),), "suffix": "b"}, "suffix needs a prompt"),
        ({"prompt": None, "messages": (user(" \n"),)}, "prompt is empty"),
        ({"prompt": None, "messages": (Message("robot", "a"),)}, "robot"),
        ({"prompt": None, "messages": (user(7),)}, "must be text"),
    ],
)
def test_requests_that_make_no_sense(fields, message):
    with pytest.raises(InvalidRequestError, match=message):
        check(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt": "", "suffix": "b"},
        {"max_tokens": None},
        {"sampling": Sampling(temperature=0, top_k=0, top_p=1, min_p=0, seed=MAX_SEED)},
        {"sampling": Sampling(logit_bias={0: -1000, VOCABULARY - 1: 1000.0})},
        {"stop": ("a", "b")},
        {"logprobs": 100},
    ],
)
def test_requests_at_the_edge_of_their_ranges_pass(fields):
    check(**fields)
