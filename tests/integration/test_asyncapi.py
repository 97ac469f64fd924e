"""The AsyncAPI document by the parser that AsyncAPI's own tools use."""

from typing import Any

from contracts.routes.grammar import MAX_BYTES
from starter.asyncapi.document import document
from tests.support.asyncapi_parser import AsyncapiParser
from tests.support.described import HOSTILE_SCHEMA, of_the_tests, served, workflow
from tests.support.driver import Driver
from tests.support.routed import route

HOSTILE = "größe \N{GRINNING FACE} <b> ` ' \" \\ {x} ~1 %2F $ref"
QUOTED = """data["a 'b'"] == 'c "d" `e`'"""
LONG = f"data.x == '{'x' * (MAX_BYTES - 20)}'"


def hostile() -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"from": "com.acme.orders.v1", "type": "com.acme.*"},
        {"from": "com/acme.orders.v1", "type": "com.acme.*"},
        {"from": "com.acme/orders.v1", "source": HOSTILE, "subject": f"{HOSTILE}*"},
        {"from": "a:b_c-d.e", "type": HOSTILE, "when": QUOTED, "key": """data["k'`"]"""},
        {"from": "orders", "when": LONG, "type": "*"},
        {"from": "orders", "example": {"type": HOSTILE, "data": {"$ref": "#/nowhere"}}},
        {"from": "orders", "input": QUOTED},
        {"from": "orders", "event": HOSTILE, "deliver": "w", "key": "data.k"},
    ]
    routes = [route(f"r{n}/{'n' * 150}", **one) for n, one in enumerate(fields)]
    clock = route("clock", **{"from": None}, every="*/5 * * * *")
    workflows = [workflow(HOSTILE, HOSTILE_SCHEMA, {"$ref": "#/nowhere"}), workflow("w")]
    return document(workflows, served(*routes, clock))


def test_the_parser_finds_nothing_wrong(asyncapi_parser: AsyncapiParser) -> None:
    documents = [document([], []), document(*of_the_tests()), hostile()]
    assert asyncapi_parser.wrong(documents) == [[], [], []]


def test_the_parser_finds_what_is_wrong(asyncapi_parser: AsyncapiParser) -> None:
    """Without this, a parser that accepts everything would pass the test above."""
    dangling, misplaced, shapeless = (document([workflow("w")], []) for _ in range(3))
    dangling["operations"]["deadLetter"]["channel"]["$ref"] = "#/channels/nobody"
    misplaced["operations"]["deadLetter"]["messages"] = misplaced["operations"]["raiseEvent"][
        "messages"
    ]
    shapeless["components"]["schemas"]["w.input"] = {"type": "number", "minLength": "much"}
    assert all(asyncapi_parser.wrong([dangling, misplaced, shapeless]))


def test_what_a_starter_serves_is_valid(usher: Driver, asyncapi_parser: AsyncapiParser) -> None:
    found = usher.get("starter", "/asyncapi.json")
    assert "start.hello_workflow" in found["components"]["messages"]
    assert asyncapi_parser.wrong([found]) == [[]]
