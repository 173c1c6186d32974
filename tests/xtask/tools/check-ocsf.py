"""Checks events of OCSF 1.3.0, one on a line of standard input, with the models of pydantic-ocsf, which are made from the
schema itself. Prints how many events of each class there were; ends with an error at the first that does not fit."""

import collections
import importlib
import json
import sys

MODELS = importlib.import_module("ocsf.v1_3_0.events")
# By the schema's numbers of the classes.
CLASSES = {
    0: "BaseEvent",
    1008: "EventLog",
    3001: "AccountChange",
    3002: "Authentication",
    3003: "AuthorizeSession",
    3004: "EntityManagement",
    3005: "UserAccess",
    4001: "NetworkActivity",
    4007: "SshActivity",
    6002: "ApplicationLifecycle",
    6003: "ApiActivity",
    6005: "DatastoreActivity",
}
counts = collections.Counter()
for line in sys.stdin:
    event = json.loads(line)
    name = CLASSES[event["class_uid"]]
    getattr(MODELS, name).model_validate(event)
    counts[name] += 1
print(json.dumps(counts, sort_keys=True))
