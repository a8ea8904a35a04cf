"""Azure Resource Manager: who may look and change, assignments that take a while, faults."""

import json
import ssl
import time
import urllib.error
import urllib.request

import pytest

GROUP = "/subscriptions/5ab5c819-0000-4000-8000-00000000000b/resourceGroups/emulated/providers/Microsoft.Cache"
DATABASE = f"{GROUP}/redisEnterprise/emulated/databases/default"
SOMEBODY = "aaaaaaaa-0000-4000-8000-0000000000aa"


@pytest.fixture
def emulator(start):
    return start("1h")


class Manager:
    """Asks as the machine's own identity."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.token = emulator.token(resource="https://management.azure.com")

    def __call__(self, method, path, body=None, version="?api-version=2026-08-01"):
        """Status, headers and parsed body."""
        url = path if path.startswith("https:") else self.emulator["ENTRAKEY_ARM_ENDPOINT"] + path + version
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        context = ssl.create_default_context(cafile=self.emulator["REDIS_CA_FILE"])
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status, answer.headers, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read() or b"null")

    def role(self, role):
        path = f"/emulator/arm/roles/{self.emulator.user}"
        return self.emulator.control(path, {"role": role}, "PUT") if role else self.emulator.control(path, method="DELETE")

    def polled(self, path):
        """What a resource says of itself until it has an end."""
        states = []
        while not states or states[-1] == "Creating":
            status, _, body = self("GET", path)
            assert status == 200, body
            states.append(body["properties"]["provisioningState"])
        return states, body["properties"]


@pytest.fixture
def manager(emulator):
    return Manager(emulator)


def wanted(object_id, access="+@read ~cache:*"):
    return {"properties": {"accessPolicyName": "default", "accessString": access, "user": {"objectId": object_id}}}


def test_an_assignment_takes_a_while_works_and_is_taken_away(emulator, manager):
    manager.role("Contributor")
    path = f"{DATABASE}/accessPolicyAssignments/somebody"
    status, _, made = manager("PUT", path, wanted(SOMEBODY))
    assert status == 201 and made["properties"]["provisioningState"] == "Creating", made
    assert SOMEBODY not in emulator.control("/emulator/redis/policies")[1], "not yet"
    states, properties = manager.polled(path)
    assert states == ["Creating", "Creating", "Succeeded"] and properties["user"] == {"objectId": SOMEBODY}
    assert emulator.control("/emulator/redis/policies")[1][SOMEBODY] == "+@read ~cache:*"
    assert manager("PUT", path, wanted(SOMEBODY, "+@all ~*"))[0] == 200, "it is changed"
    assert manager.polled(path)[0][-1] == "Succeeded"
    listed = manager("GET", f"{DATABASE}/accessPolicyAssignments")[2]["value"]
    assert [one["properties"]["accessString"] for one in listed if one["name"] == "somebody"] == ["+@all ~*"]
    status, headers, _ = manager("DELETE", path)
    operation = headers["Azure-AsyncOperation"]
    assert status == 202 and headers["Location"] == operation
    assert [manager("GET", operation)[2]["status"] for _ in range(2)] == ["InProgress", "Succeeded"]
    assert manager("GET", path)[0] == 404 and manager("DELETE", path)[0] == 204
    assert SOMEBODY not in emulator.control("/emulator/redis/policies")[1]


def test_an_assignment_that_cannot_be_made_fails_when_it_is_looked_at(manager):
    manager.role("Contributor")
    path = f"{DATABASE}/accessPolicyAssignments/wrong"
    assert manager("PUT", path, wanted(SOMEBODY, "+@nonsense ~*"))[0] == 201
    states, properties = manager.polled(path)
    assert states[-1] == "Failed" and properties["provisioningError"]["code"] == "InvalidAccessString"


def test_what_cannot_be_is_refused_in_arms_words(emulator, manager):
    manager.role("Contributor")
    assignments = f"{DATABASE}/accessPolicyAssignments"
    for path, body, code in [
        (f"{assignments}/with-hyphens", wanted(SOMEBODY), "InvalidResourceName"),
        (f"{assignments}/second", wanted(emulator.user), "BadRequest"),
        (f"{assignments}/nobody", {"properties": {}}, "BadRequest"),
    ]:
        status, _, refusal = manager("PUT", path, body)
        assert (status, refusal["error"]["code"]) == (400, code), path
    assert manager("GET", assignments, version="")[2]["error"]["code"] == "MissingApiVersionParameter"
    manager.token = emulator.token()
    assert manager("GET", assignments)[0] == 401, "a token for Redis is none for Azure Resource Manager"


def test_an_assignment_can_take_time_whether_anybody_looks_or_not(start):
    emulator = start("1h", clock_scale=0)
    manager = Manager(emulator)
    manager.role("Contributor")
    assert emulator.control("/emulator/arm/cache", {"assignment_ms": 30_000}, "PUT")[0] == 200
    path = f"{DATABASE}/accessPolicyAssignments/Somebody"
    assert manager("PUT", path, wanted(SOMEBODY))[0] == 201
    assert [manager("GET", path)[2]["properties"]["provisioningState"] for _ in range(4)] == ["Creating"] * 4
    assert (manager("PUT", path, wanted(SOMEBODY))[0], manager("DELETE", path)[0]) == (409, 409)
    emulator.control("/emulator/clock", {"advance_ms": 30_000})
    until(lambda: SOMEBODY in emulator.control("/emulator/redis/policies")[1])
    until(lambda: manager("GET", path)[2]["properties"]["provisioningState"] == "Succeeded")
    status, headers, _ = manager("DELETE", path)
    operation = headers["Location"]
    assert status == 202 and manager("GET", path)[2]["properties"]["provisioningState"] == "Deleting"
    assert manager("GET", operation)[2]["status"] == "InProgress"
    assert SOMEBODY in emulator.control("/emulator/redis/policies")[1] and manager("DELETE", path)[0] == 409
    emulator.control("/emulator/clock", {"advance_ms": 30_000})
    until(lambda: manager("GET", operation)[2]["status"] == "Succeeded")
    assert manager("GET", path)[0] == 404 and SOMEBODY not in emulator.control("/emulator/redis/policies")[1]


def until(true):
    """What follows from the emulator's clock, a moment later."""
    for _ in range(400):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not come about")


def test_another_user_of_an_assignment_takes_the_first_ones_place(emulator, manager):
    manager.role("Contributor")
    path = f"{DATABASE}/accessPolicyAssignments/moved"
    for user in (SOMEBODY.replace("aaaa", "bbbb"), SOMEBODY.replace("aaaa", "cccc")):
        manager("PUT", path, wanted(user))
        assert manager.polled(path)[0][-1] == "Succeeded"
    policies = emulator.control("/emulator/redis/policies")[1]
    assert SOMEBODY.replace("aaaa", "cccc") in policies and SOMEBODY.replace("aaaa", "bbbb") not in policies


def test_a_classic_cache_has_policies_of_its_own(start):
    emulator = start("1h", family="classic")
    manager = Manager(emulator)
    manager.role("Contributor")
    cache, version = f"{GROUP}/redis/emulated", "?api-version=2024-11-01"
    assign = {"properties": {"accessPolicyName": "own_one", "objectId": SOMEBODY, "objectIdAlias": "somebody"}}
    assert manager("PUT", f"{cache}/accessPolicyAssignments/a-1", assign, version)[0] == 400, "there is no such policy"
    path, rules = f"{cache}/accessPolicies/own_one", {"properties": {"permissions": "+@read ~cache:*"}}
    assert [manager("PUT", path, rules, version)[0] for _ in range(2)] == [201, 200]
    assert manager("PUT", f"{cache}/accessPolicyAssignments/a-1", assign, version)[0] == 201
    states, properties = manager.polled(f"{cache}/accessPolicyAssignments/a-1")
    assert states[-1] == "Succeeded" and properties["accessPolicyName"] == "own_one"
    assert emulator.control("/emulator/redis/policies")[1][SOMEBODY] == "+@read ~cache:*"
    listed = manager("GET", f"{cache}/accessPolicies", version=version)[2]["value"]
    assert [one["name"] for one in listed] == ["Data Owner", "Data Contributor", "Data Reader", "own_one"]
    assert [manager("DELETE", path, version=version)[0] for _ in range(2)] == [200, 204]


def test_a_role_says_what_may_be_done(manager):
    path = f"{DATABASE}/accessPolicyAssignments/somebody"
    manager.role(None)
    assert manager("GET", "/subscriptions")[2] == {"value": []}
    assert manager("GET", DATABASE)[2]["error"]["code"] == "AuthorizationFailed"
    manager.role("Reader")
    assert manager("GET", DATABASE)[0] == 200 and manager("PUT", path, wanted(SOMEBODY))[0] == 403
    assert manager("DELETE", path)[0] == 403


def test_faults_are_those_of_the_route(emulator, manager):
    manager.role("Reader")
    faults = [{"status": 429, "headers": {"Retry-After": "7"}}, {"status": 403}, {"status": 404}]
    assert emulator.control("/emulator/faults", {"route": "arm", "answers": faults})[0] == 200
    answers = [manager("GET", DATABASE) for _ in range(4)]
    assert [status for status, _, _ in answers] == [429, 403, 404, 200] and answers[0][1]["Retry-After"] == "7"
