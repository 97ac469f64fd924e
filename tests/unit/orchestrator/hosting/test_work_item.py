"""Work items are named after the instance and the execution that the engine asks for."""

from dapr.ext.workflow._durabletask.internal import protos as pb

from orchestrator.hosting.work_item import task_of_activity, task_of_turn


def test_a_task_is_known_by_its_instance_and_its_execution() -> None:
    request = pb.ActivityRequest(name="charge", taskId=7, taskExecutionId="abc")
    request.workflowInstance.instanceId = "order-1"
    task = task_of_activity(request)
    assert (task.kind, task.name, task.key) == ("activity", "charge", "order-1/abc")
    request.taskExecutionId = ""
    assert task_of_activity(request).key == "order-1/7"


def test_a_turn_is_known_by_its_instance_and_its_name_by_its_history() -> None:
    started = pb.HistoryEvent(executionStarted=pb.ExecutionStartedEvent(name="order"))
    request = pb.WorkflowRequest(instanceId="order-1", pastEvents=[started])
    assert str(task_of_turn(request)) == "workflow 'order'"
    assert task_of_turn(pb.WorkflowRequest(instanceId="order-1")).key == task_of_turn(request).key
