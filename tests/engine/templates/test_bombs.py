# ruff: noqa: E501  (the templates)
"""SafeTemplate against hostile templates: each ends in a TemplateError, soon, and within bounded memory."""

import subprocess
import sys
import time

import pytest

from engine.errors import TemplateError
from engine.templates import budget as template_budget
from engine.templates.template import SafeTemplate


def render(template: SafeTemplate, *contents: str) -> str:
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
    variables = {"messages": messages, "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True}
    return template.render(variables, sum(len(content) + 64 for content in contents))


BOMBS = {
    "nested ranges": "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "filtered loop": "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
    "loop length": "{% for a in range(99999) %}{% for b in range(99999) %}{{ loop.length }}{% endfor %}{% endfor %}",
    "repeated text": "{{ 'a' * 4000000000 }}",
    "repeated text, other way": "{{ 4000000000 * 'a' }}",
    "repeated list": "{{ [1] * 4000000000 }}",
    "repeated, small steps": "{% set ns = namespace(s='a'*1000) %}{% for i in range(99999) %}{% set ns.s = ns.s * 2 %}{% endfor %}",
    "power": "{{ 9**9**9 }}",
    "power of a float": "{{ 9.0**999 * 9.0**999 }}",
    "big product": "{% set ns = namespace(n=9) %}{% for i in range(99999) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "big difference": "{% set ns = namespace(n=9) %}{% for i in range(99999) %}{% set ns.n = ns.n - (0 - ns.n) %}{% endfor %}{{ ns.n }}",
    "literal number": "{{ 1" + "0" * 4000 + " }}",
    "doubling by plus": "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "doubling by tilde": "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "doubling by block": "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set t %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = t %}{% endfor %}",
    "doubling lists": "{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "doubling by join": "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = [ns.s, ns.s]|join %}{% endfor %}",
    "doubling by join method": "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = ns.s.join(['', ns.s, '']) %}{% endfor %}",
    "doubling by replace": "{% set ns = namespace(s='aa') %}{% for i in range(99999) %}{% set ns.s = ns.s|replace('a', 'aa') %}{% endfor %}",
    "doubling by replace method": "{% set ns = namespace(s='aa') %}{% for i in range(99999) %}{% set ns.s = ns.s.replace('', 'aa') %}{% endfor %}",
    "doubling by macro": "{% macro m(s) %}{{ s }}{{ s }}{% endmacro %}{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = m(ns.s) %}{% endfor %}",
    "doubling by format": "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = '{}{}'.format(ns.s, ns.s) %}{% endfor %}",
    "constant text in a block": "{% set t %}{% for i in range(99999) %}" + "x" * 20000 + "{% endfor %}{% endset %}",
    "much output": "{% for i in range(99999) %}" + "x" * 1000 + "{% endfor %}",
    "wide center": "{{ 'a'.center(4000000000) }}",
    "wide ljust": "{{ 'a'.ljust(4000000000) }}",
    "wide zfill": "{{ '1'.zfill(4000000000) }}",
    "wide format": "{{ '{:>4000000000}'.format(1) }}",
    "nested format": "{{ '{:{}}'.format(1, 4000000000) }}",
    "wide percent": "{{ '%4000000000d' % 1 }}",
    "expandtabs": "{{ '\t'.expandtabs(4000000000) }}",
    "indent": "{{ 'a\n'|indent(4000000000) }}",
    "json indent": "{{ [1]|tojson(indent=4000000000) }}",
    "json depth": "{% set ns = namespace(s=[1]) %}{% for i in range(900) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ([ns.s] * 2000)|tojson(indent=60) }}",
    "json twins": "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
    "print twins": "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
    "compare twins": "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{% if ns.a == ns.b %}same{% endif %}",
    "find twins": "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{% if ns.a in [ns.b] %}in{% endif %}{{ [ns.a].index(ns.b) }}",
    "hash twins": "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}",
    "item twins": "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {}[ns.a] }}",
    "test twins": "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a is eq(ns.b) }}",
    "sort twins": "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ [ns.a, ns.b]|sort }}",
    "unique twins": "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ [ns.a]|unique|list }}",
    "changed twins": "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% if loop.changed(ns.a) %}{% endif %}{% endfor %}{{ ns.a ~ '' }}",
    "colliding hashes": "{{ range(0, 2305843009213693951 * 99999, 2305843009213693951)|unique|list|length }}",
    "colliding hashes by loop": "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + [i * 1152921504606846975] %}{% endfor %}{{ ns.l|unique|list }}",
    "sum of lists": "{{ ([[1] * 1000] * 1000)|sum(start=[]) }}",
    "round": "{{ 1.5|round(99999999, 'ceil') }}",
    "long range": "{{ range(4000000000)|list }}",
    "linked list": "{% set ns = namespace(a=[]) %}{% for i in range(99999) %}{% for j in range(99999) %}{% set ns.a = [ns.a, {}] %}{% endfor %}{% endfor %}",
    "many lists": "{% set ns = namespace(a=[]) %}{% for i in range(99999) %}{% set ns.a = [ns.a"
    + ", []" * 5000
    + "] %}{% endfor %}",
    "many namespaces": "{% set ns = namespace(a=0) %}{% for i in range(99999) %}{% for j in range(99999) %}{% set ns.a = namespace(a=ns.a) %}{% endfor %}{% endfor %}",
    "macros as values": "{% set ns = namespace(a=0) %}{% for i in range(99999) %}{% for j in range(99999) %}{% macro m() %}{{ ns.a }}{% endmacro %}{% set ns.a = [m, ns.a] %}{% endfor %}{% endfor %}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "branching recursion": "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "recursive loop": "{% for a in [1] recursive %}{{ loop([a, a]) }}{% endfor %}",
    "caller": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 15
    + "x"
    + "{% endcall %}" * 15,
    "map of maps": "{% for i in range(99999) %}{{ range(99999)|map('string')|map('length')|list|length }}{% endfor %}",
    "split": "{% set s = 'a ' * 30000000 %}{{ s.split()|length }}",
    "split by a text": "{% set ns = namespace(l=[]) %}{% set s = 'a ' * 1000000 %}{% for i in range(99) %}{% set ns.l = [ns.l, s.split(' ')] %}{% endfor %}",
    "strip": "{% set s = 'ab' * 1000000 %}{{ s.strip(s) }}",
    "slices": "{% set ns = namespace(l=[]) %}{% set s = 'a' * 10000000 %}{% for i in range(9999) %}{% set ns.l = [ns.l, s[i:]] %}{% endfor %}",
    "dates": "{{ strftime_now('%9999999d') }}",
    "lipsum": "{{ lipsum(n=99999999) }}",
    "pprint": "{{ range(99999)|list|pprint }}",
    "center filter": "{{ 'a'|center(4000000000) }}",
    "wordwrap": "{{ ('a ' * 1000000)|wordwrap(1) }}",
    "batch": "{{ [1]|batch(4000000000, 0)|list }}",
    "upper case": "{% set ns = namespace(s='\u0149' * 1000000) %}{% for i in range(9999) %}{% set ns.s = ns.s.upper() %}{% endfor %}{{ ns.s }}",
    "to_bytes": "{{ (1).to_bytes(4000000000, 'big') }}",
    "class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "class by item": "{{ ''['__class__'] }}",
    "class by attr": "{{ [''] | map(attribute='__class__') | list }}",
    "globals": "{{ raise_exception.__globals__ }}",
    "self": "{{ self.__init__.__globals__ }}",
    "cycler": "{{ cycler.__init__.__globals__.os.system('true') }}",
    "namespace class": "{{ namespace.__init__.__globals__ }}",
    "joiner": "{{ joiner('x').__class__ }}",
    "dict class": "{{ dict.fromkeys(range(9)) }}",
    "type of a method": "{{ 'a'.format.__self__.__class__ }}",
    "format attributes": "{{ '{0.__class__}'.format('') }}",
    "format items": "{{ '{0[0]}'.format(['']) }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "attr filter": "{{ ''|attr('__class__') }}",
    "loop internals": "{% for a in [1] %}{{ loop._iterator }}{% endfor %}",
    "macro internals": "{% macro m() %}{% endmacro %}{{ m._environment }}",
    "import": "{% import 'os' as os %}",
    "include": "{% include '/etc/passwd' %}",
    "extends": "{% extends '/etc/passwd' %}",
    "change": "{{ messages.append(1) }}",
    "change a message": "{{ messages[0].update({'role': 'x'}) }}",
    "nested brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "nested lists": "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    "nested loops": "{% for a in [1] %}" * 500 + "{% endfor %}" * 500,
    "nested ifs": "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "long sum": "{{ 1" + " + 1" * 20000 + " }}",
    "long text": "x" * 200_000,
    "not Jinja": "{% if %}",
    "unfinished": "{% for a in messages %}",
    "no such filter": "{{ 1|nothing }}",
    "no such name": "{{ nothing.at.all }}",
    "division by zero": "{{ 1 // 0 }}",
    "wrong types": "{{ 'a' + 1 }}",
}

MEASURE = r"""
import re, sys
from pathlib import Path
from engine.errors import TemplateError
from engine.templates.template import SafeTemplate
try:
    SafeTemplate(sys.stdin.read()).render({"messages": [{"role": "user", "content": "Hi"}]}, 66)
except TemplateError:
    print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture(autouse=True)
def short_time(monkeypatch):
    monkeypatch.setattr(template_budget, "TIME_S", 0.2)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_an_error_soon(name):
    start = time.perf_counter()
    with pytest.raises(TemplateError) as caught:
        render(SafeTemplate(BOMBS[name]), "Hi", "Yes?", "Go.")
    assert time.perf_counter() - start < template_budget.TIME_S + 2.0
    assert str(caught.value).startswith("The model's chat template")
    assert len(str(caught.value)) < 600


def test_the_real_time_limit_holds(monkeypatch):
    monkeypatch.setattr(template_budget, "TIME_S", 1.5)
    start = time.perf_counter()
    with pytest.raises(TemplateError, match=r"ran for more than 1\.5 seconds"):
        render(SafeTemplate(BOMBS["nested ranges"]), "Hi")
    assert time.perf_counter() - start < 2.5


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of resident memory from /proc")
@pytest.mark.parametrize("name", ["doubling by plus", "doubling lists", "doubling by block", "macros as values"])
def test_a_process_with_a_bomb_stays_below_300_mib(name):
    command = [sys.executable, "-c", MEASURE]
    done = subprocess.run(command, input=BOMBS[name], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300 * 1024  # KiB


def test_a_template_is_usable_again_after_a_refusal():
    template = SafeTemplate("{% for i in range(messages[0].content|int) %}{{ 'x' * 1000 }}{% endfor %}")
    with pytest.raises(TemplateError, match="wrote more than"):
        render(template, "99999")
    assert render(template, "2") == "x" * 2000
