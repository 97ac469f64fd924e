"""Python that a test runs inside a container, to see what can be reached and done from there."""

PUBLISH_EVERYWHERE = """
import httpx, os
token = {"dapr-api-token": os.environ.get("DAPR_API_TOKEN", "")}
sidecar = f"http://{os.environ['DAPR_RUNTIME_HOST']}:%(port)s"
for path in %(paths)s:
    said = httpx.post(f"{sidecar}/v1.0/publish/{path}", json={}, headers=token)
    print(path, said.status_code)
"""

GRPC_OF_STARTERS_SIDECAR = """
import grpc
from dapr.proto import api_service_v1 as service, api_v1 as message
sidecar = service.DaprStub(grpc.insecure_channel("starter-daprd:13500"))
completions = {"pubsub_name": "pubsub", "topic": "workflow-completions"}
for name, request in {
    "GetMetadata": message.GetMetadataRequest(),
    "Shutdown": message.ShutdownRequest(),
    "GetState": message.GetStateRequest(store_name="statestore", key="k"),
    "GetWorkflowBeta1": message.GetWorkflowRequest(instance_id="i"),
    "PublishEvent": message.PublishEventRequest(**completions),
}.items():
    try:
        getattr(sidecar, name)(request)
        print(name, "OK")
    except grpc.RpcError as error:
        print(name, error.code().name)
"""

WITHOUT_A_TOKEN = """
import grpc, httpx
from dapr.proto import appcallback_service_v1 as service, appcallback_v1 as message
published = "http://orchestrator-daprd:3501/v1.0/publish/pubsub/workflow-completions"
print("publish", httpx.post(published, json={}).status_code)
print("metadata", httpx.get("http://notifier-daprd:3502/v1.0/metadata").status_code)
for address in ("orchestrator:18081", "notifier:18082"):
    app = service.AppCallbackStub(grpc.insecure_channel(address))
    try:
        app.OnTopicEvent(message.TopicEventRequest(topic="workflow-requests"))
        print(address, "taken")
    except grpc.RpcError as error:
        print(address, error.code().name)
"""

SHUT_DOWN = """
import httpx, os
httpx.post(%r, headers={"dapr-api-token": os.environ["DAPR_API_TOKEN"]}).raise_for_status()
"""

WHAT_IS_IN_THE_IMAGE = """
import os, shutil
print("uid", os.getuid())
print("tools", [t for t in ("uv", "pip", "gcc", "cc", "make", "git") if shutil.which(t)])
for folder in ("/", "/usher", "/usr/local", "/tmp"):
    try:
        open(f"{folder}/probe", "w").close()
        print(folder, "written")
    except OSError as error:
        print(folder, error.strerror)
"""


def answers(printed: str) -> dict[str, str]:
    """Read `name answer` lines."""
    return dict(line.split(" ", 1) for line in printed.splitlines())
