"""Work items are named after the instance and the execution that the engine asks for."""

from dapr.ext.workflow._durabletask.internal import protos as pb

from orchestrator.hosting.work_item import activity_item, turn_item


def test_an_activity_is_known_by_its_instance_and_its_execution() -> None:
    request = pb.ActivityRequest(name="charge", taskId=7, taskExecutionId="abc")
    request.workflowInstance.instanceId = "order-1"
    item = activity_item(request)
    assert (item.kind, item.name, item.key) == ("activity", "charge", "order-1/abc")
    request.taskExecutionId = ""
    assert activity_item(request).key == "order-1/7"


def test_a_turn_is_known_by_its_instance_and_its_name_by_its_history() -> None:
    started = pb.HistoryEvent(executionStarted=pb.ExecutionStartedEvent(name="order"))
    request = pb.WorkflowRequest(instanceId="order-1", pastEvents=[started])
    assert str(turn_item(request)) == "workflow 'order'"
    assert turn_item(pb.WorkflowRequest(instanceId="order-1")).key == turn_item(request).key
