"""Routes of a folder: decorators and `routes.yaml` together, checked before anything starts."""

from pathlib import Path

import pytest

from orchestrator.authoring.catalogue import Catalogue, CatalogueError

HEAD = '''\
"""Orders."""

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from usher import Cancel, Deliver, Every, Start, workflow


class Address(BaseModel):
    """Where somebody lives."""

    street: str


class Order(BaseModel):
    """What to deliver where."""

    order_id: str
    country: str = "DE"
    address: Address | None = None


@workflow(
    example={"order_id": "o-1"},
    on=[
'''
TAIL = '''
    ],
)
def routed_order_workflow(ctx: DaprWorkflowContext, input: Order):
    """Wait for the payment."""
    yield ctx.wait_for_external_event("paid")
'''
RIGHT = """\
        Start("orders", type="placed", key="data.order_id", when="data.country == 'DE'",
              example={"type": "placed", "data": {"order_id": "o-1", "country": "DE"}}),
        Deliver("payments", type="settled", key="data.order_id", event="paid"),
        Cancel("orders", type="cancelled", key="data.order_id", early="1h"),
        Every("0 9 * * 1-5", timezone="Europe/Berlin", input='{"order_id": data.at}'),
"""
FIRST = len(HEAD.splitlines()) + 1
"""The line of the first trigger."""


def scan(folder: Path, triggers: str = RIGHT, file: str = "") -> Catalogue:
    folder.mkdir(exist_ok=True)
    (folder / "orders.py").write_text(HEAD + triggers + TAIL)
    (folder / "routes.yaml").write_text(file)
    return Catalogue.scan([folder])


def faults(folder: Path, triggers: str = RIGHT, file: str = "") -> list[str]:
    with pytest.raises(CatalogueError) as error:
        scan(folder, triggers, file)
    return [line.removeprefix(f"{folder}/") for line in str(error.value).splitlines()]


def test_the_routes_of_decorators_and_files_are_found(tmp_path: Path) -> None:
    name = "routed_order_workflow"
    more = f"crm:\n  from: crm\n  start: {name}\n{name}/start: {{paused: true}}"
    routes = {route.name: route for route in scan(tmp_path, file=more).routes}
    assert list(routes) == [
        *(f"{name}/start", f"{name}/deliver", f"{name}/cancel", f"{name}/every", "crm")
    ]
    assert routes[f"{name}/deliver"].place == f"{tmp_path}/orders.py:{FIRST + 2}"
    assert routes["crm"].place == f"{tmp_path}/routes.yaml:1"
    assert [route.name for route in routes.values() if route.spec.paused] == [f"{name}/start"]


def test_a_route_in_another_file_may_be_named(tmp_path: Path) -> None:
    scan(tmp_path / "a")
    other = tmp_path / "other.yaml"
    other.write_text("more:\n  from: crm\n  start: routed_order_workflow\n")
    found = Catalogue.scan([tmp_path / "a"], routes=[other]).routes
    assert found[-1].name == "more"
    assert len(Catalogue.scan([tmp_path / "a"], routes=None).routes) == 4


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    triggers = """\
        Start("orders", when="!has(data.contry)",
              example={"type": "placed", "data": {"order_id": 7, "region": "DE"}}),
        Deliver("payments", event="paid"),
        Every("0 9 * *"),
        Every("0 9 * * *", input='{"order_id": 5}'),
"""
    file = "crm:\n  from: crm\n  start: routed_oder_workflow\nw/none: {paused: true}"
    name = "routed_order_workflow"
    assert faults(tmp_path, triggers, file) == [
        f"orders.py:{FIRST + 2}: {name} on[1].key: deliver needs a key; without one every instance "
        "would get the event",
        f"orders.py:{FIRST + 3}: {name} on[2].every: cron has 5 fields, such as `0 9 * * 1-5`; "
        "this has 4",
        "routes.yaml:4: w/none: no decorator declares a route of this name",
        f"orders.py:{FIRST}: {name}/start.when: 'contry' is not in Order; did you mean 'country'? "
        "If events have both, show it in `example`",
        f"orders.py:{FIRST}: {name}/start.example: input.order_id: Input should be a valid string",
        f"orders.py:{FIRST + 4}: {name}/every-2.input: input.order_id: Input should be a valid "
        "string",
        "routes.yaml:3: crm.start: there is no workflow 'routed_oder_workflow'; did you mean "
        "routed_order_workflow?",
    ]


def test_a_fault_of_a_route_hides_no_other(tmp_path: Path) -> None:
    triggers = """\
        Start("orders", key="dta.order_id", when="data.contry == 'DE'"),
"""
    file = "crm:\n  from: crm\n  start: nobody\n  example: {data: {}}\n  when: data.x == 1\n"
    found = faults(tmp_path, triggers, file)
    assert [fault.partition(": ")[2].partition(": ")[0] for fault in found] == [
        *("routed_order_workflow on[0].key", "routed_order_workflow/start.when"),
        *("crm.start", "crm.example"),
    ]


def test_a_key_that_is_nearly_the_key_of_the_start_is_named(tmp_path: Path) -> None:
    triggers = """\
        Start("orders", key="data.order_id", example={"data": {"order_id": "o"}}),
        Deliver("payments", key="data.ordr_id", event="paid"),
        Cancel("orders", key="data.order_id"),
        Cancel("refunds", key="data.invoice", name="refunded"),
        Deliver("parcels", key="data.orders_id", event="sent", example={"data": {"orders_id": 1}}),
"""
    assert faults(tmp_path, triggers) == [
        f"orders.py:{FIRST + 1}: routed_order_workflow/deliver.key: data.ordr_id is nearly "
        "data.order_id, by which routed_order_workflow/start starts. If it is right, show an event "
        "in `example`"
    ]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("data.address.stret == 'x'", "'stret' is not in Address; did you mean 'street'?"),
        ("event.data.contry == 'x'", "'contry' is not in Order; did you mean 'country'?"),
        ("data.adress.street == 'x'", "'adress' is not in Order; did you mean 'address'?"),
        ("data.address.street == 'x' && data.address.zip == 'y'", None),
        ("data.address.stret.x == 'x'", "'stret' is not in Address"),
        ("data.country.stret == 'x'", None),
    ],
)
def test_a_misspelt_field_of_a_nested_model_is_named(
    when: str, said: str | None, tmp_path: Path
) -> None:
    triggers = f'        Start("orders", when="{when}"),\n'
    if said is None:
        scan(tmp_path, triggers)
        return
    (fault,) = faults(tmp_path, triggers)
    assert said in fault


def test_a_field_that_an_example_shows_is_no_misspelling(tmp_path: Path) -> None:
    shown = '{"order_id": "o", "address": {"street": "x", "stret": "x"}}'
    when = "data.address.stret == 'x'"
    scan(tmp_path, f"""        Start("orders", when="{when}", example={{"data": {shown}}}),\n""")


def test_where_a_file_cannot_be_imported_its_workflows_are_not_missed(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    file = "crm:\n  from: crm\n  start: of_broken\nof_broken/start: {paused: true}\n"
    (fault,) = faults(tmp_path, file=file)
    assert fault.startswith("broken.py:1: cannot be imported")


def test_a_file_may_say_only_what_becomes_of_unrouted_events(tmp_path: Path) -> None:
    rest = "rest:\n  from: orders\n  unmatched: dead-letter\n"
    assert scan(tmp_path, file=rest).routes[-1].name == "rest"
    (fault,) = faults(tmp_path, file=rest.replace("orders", "workflow-events"))
    assert fault.startswith("routes.yaml:2: rest.from: workflow-events is a topic of Usher's")


@pytest.mark.parametrize("topic", ["workflow-requests", "pubsub/workflow-completions"])
def test_of_ushers_own_topics_only_that_of_completions_has_routes(
    tmp_path: Path, topic: str
) -> None:
    after = "after:\n  from: workflow-completions\n  start: routed_order_workflow\n"
    assert scan(tmp_path, file=after).routes[-1].topic == "workflow-completions"
    (fault,) = faults(tmp_path, file=after.replace("workflow-completions", topic))
    assert fault == (
        f"routes.yaml:2: after.from: {topic} is a topic of Usher's; name one of your own, or "
        "workflow-completions"
    )


def test_a_policy_of_a_later_version_is_named_in_a_decorator(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, '        Start("orders", debounce="30s"),\n')
    assert fault.startswith(f"orders.py:{FIRST}: cannot be imported: TypeError: Start: debounce")


@pytest.mark.parametrize("topic", ["usher:notices", "kafka/usher:notices"])
def test_a_topic_that_is_a_key_of_ushers_is_refused(tmp_path: Path, topic: str) -> None:
    (fault,) = faults(tmp_path, f'        Start("{topic}"),\n')
    assert fault.endswith("usher:notices is a key of Usher's; name a topic of your own")


def test_a_component_of_ushers_own_is_left_out(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, '        Start("pubsub/orders"),\n')
    assert fault.endswith("pubsub is a component of Usher's; write orders alone")


def test_the_starts_of_a_workflow_agree_on_whether_a_key_has_many_runs(tmp_path: Path) -> None:
    again = 'Start("orders", type="again", key="data.order_id", again=True),'
    keyless = 'Start("orders", type="keyless"),'
    said = "orders.py:{}: routed_order_workflow/start.again: all routes that start this workflow"
    (found,) = faults(tmp_path, RIGHT + again)
    assert found.startswith(said.format(FIRST))
    scan(tmp_path, again + keyless)
