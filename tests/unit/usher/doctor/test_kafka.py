"""The rules for Kafka components: each fault is named with its file and field, in any spelling."""

from pathlib import Path

import pytest

from contracts.finding import Finding
from usher.doctor.broker import brokers
from usher.doctor.resources import read
from usher.stack.components import refuse_unfit_components
from usher.stack.errors import StackError

RIGHT = {"initialOffset": "oldest", "escapeHeaders": '"true"', "authType": "none"}


def component(name: str = "pubsub", kind: str = "pubsub.kafka", **options: str) -> str:
    lines = [
        f"    - name: {option}\n      value: {value}"
        if ":" not in value
        else f"    - name: {option}\n      {value}"
        for option, value in {"brokers": "localhost", **options}.items()
    ]
    head = "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: "
    spec = f"spec:\n  type: {kind}\n  version: v1\n  metadata:\n"
    return head + f"{name}\n" + spec + "\n".join(lines) + "\n"


def found(folder: Path, *components: str) -> list[Finding]:
    for number, text in enumerate(components):
        (folder / f"broker-{number}.yaml").write_text(text)
    resources, broken = read(folder)
    assert broken == []
    return [one for one in brokers(resources, 8) if one.where != "the component files"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("initialOffset", "oldest"),
        ("initialOffset", '"oldest"'),
        ("initialOffset", "Oldest"),
        ("escapeHeaders", "true"),
        ("escapeHeaders", "'true'"),
        ("escapeHeaders", '"1"'),
        ("escapeHeaders", "yes"),
        ("escapeheaders", '"true"'),
        ("producerRequiredAcks", "all"),
        ("producerRequiredAcks", '"ALL"'),
        ("producerRequiredAcks", '""'),
        ("consumeRetryEnabled", "true"),
        ("consumeRetryEnabled", "'T'"),
        ("backOffMaxRetries", "-1"),
        ("backOffMaxRetries", '"-1"'),
        ("authType", "password"),
    ],
)
def test_what_daprd_reads_as_right_is_right(tmp_path: Path, option: str, value: str) -> None:
    right = {name: text for name, text in RIGHT.items() if name.lower() != option.lower()}
    assert found(tmp_path, component(**right, **{option: value})) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("initialOffset", "newest"),
        ("initialOffset", '""'),
        ("initialOffset", ""),
        ("initialOffset", "earliest"),
        ("escapeHeaders", "false"),
        ("escapeHeaders", "'false'"),
        ("escapeHeaders", '""'),
        ("escapeHeaders", "enabled"),
        ("producerRequiredAcks", "local"),
        ("producerRequiredAcks", "'None'"),
        ("producerrequiredacks", "none"),
        ("consumeRetryEnabled", "false"),
        ("consumeRetryEnabled", '"off"'),
        ("consumeRetryEnabled", '""'),
        ("backOffMaxRetries", "0"),
        ("backOffMaxRetries", '"5"'),
        ("authType", '""'),
    ],
)
def test_what_loses_events_is_refused(tmp_path: Path, option: str, value: str) -> None:
    right = {name: text for name, text in RIGHT.items() if name != option}
    (only,) = found(tmp_path, component(**right, **{option: value}))
    assert only.level == "refusal"
    assert only.where.lower() == f"{tmp_path.name}/broker-0.yaml: {option}".lower()
    assert only.wrong
    assert only.right
    assert only.breaks


@pytest.mark.parametrize("option", list(RIGHT))
def test_what_is_not_set_is_refused_where_the_default_loses_events(
    tmp_path: Path, option: str
) -> None:
    rest = {name: value for name, value in RIGHT.items() if name != option}
    (only,) = found(tmp_path, component(**rest))
    assert (only.level, "not set" in only.wrong) == ("refusal", True)


def test_a_users_own_minimal_component_is_refused_with_every_fault_at_once(tmp_path: Path) -> None:
    minimal = component(authType="none")
    levels = [(one.level, one.where.partition(": ")[2]) for one in found(tmp_path, minimal)]
    assert levels == [("refusal", "initialOffset"), ("refusal", "escapeHeaders")]
    with pytest.raises(StackError) as refused:
        refuse_unfit_components(tmp_path)
    lines = str(refused.value).splitlines()
    assert [str(tmp_path / "broker-0.yaml") in line for line in lines] == [True, True]
    assert "initialOffset: it is not set, so newest" in lines[0]
    assert "right is oldest (P2)" in lines[0]


def test_the_name_that_daprd_reads_by_its_case_is_held_to_it(tmp_path: Path) -> None:
    rest = {name: value for name, value in RIGHT.items() if name != "initialOffset"}
    (only,) = found(tmp_path, component(**rest, initialoffset="oldest"))
    assert "another case" in only.wrong
    assert only.right == "initialOffset: oldest"


def test_of_several_entries_of_a_name_the_last_one_counts(tmp_path: Path) -> None:
    twice = component(**RIGHT) + "    - name: initialOffset\n      value: newest\n"
    (only,) = found(tmp_path, twice)
    assert "'newest'" in only.wrong


def test_a_value_from_elsewhere_is_not_taken_for_right(tmp_path: Path) -> None:
    given = RIGHT | {"initialOffset": "envRef: OFFSET"}
    (only,) = found(tmp_path, component(**given))
    assert only.level == "warning"
    assert "envRef OFFSET" in only.wrong


def test_each_of_several_components_is_checked_and_those_of_others_are_not(tmp_path: Path) -> None:
    texts = (
        component("pubsub", **RIGHT),
        component("pubsub-ordered", **RIGHT | {"initialOffset": "newest"}),
        component("mine", kind="pubsub.rabbitmq"),
        component("binding", kind="bindings.kafka"),
    )
    (only,) = found(tmp_path, *texts)
    assert only.where == f"{tmp_path.name}/broker-1.yaml: initialOffset"
    refuse_unfit_components(_folder(tmp_path / "right", component(**RIGHT)))


def _folder(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "pubsub.yaml").write_text(text)
    return folder
