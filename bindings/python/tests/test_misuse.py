"""Green threads, each program in a process of its own as patching cannot be undone; and what is refused or not shown."""

import asyncio
import copy
import json
import os
import pickle
import time

import pytest
import redis
import redis.asyncio

import entrakey

# Ten tokens; the listener and the connections' locks are those of greenlets.
PROGRAM = """
    import gevent, gevent.monkey; gevent.monkey.patch_all()
    import json, os, threading, time
    import redis, entrakey, entrakey.redis

    provider = entrakey.Provider.managed_identity()
    heard, errors, commands = [], [], 0
    lock = threading.Lock()

    def hear(token):
        with lock:
            gevent.sleep(0.001)
            heard.append(token.version)

    subscription = provider.subscribe(hear)
    client = redis.Redis(
        host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), ssl=True,
        ssl_ca_certs=os.environ["REDIS_CA_FILE"],
        credential_provider=entrakey.redis.CredentialProvider(provider))
    deadline = time.time() + 90

    def work():
        global commands
        while len(heard) < 10 and time.time() < deadline:
            try:
                client.incr("commands")
                commands += 1
            except Exception as error:
                errors.append(repr(error))
            gevent.sleep(0.01)

    workers = [gevent.spawn(work) for _ in range(4)]
    for worker in workers:
        worker.join()
    counters = provider.status()["counters"]
    print(json.dumps(dict(heard=heard, errors=errors, commands=commands, reauths=counters["reauths_accepted"])))
"""


def test_ten_rotations_under_gevent_lose_no_command_and_crash_nothing(start_emulator, run):
    start_emulator("5s")
    ran = run(PROGRAM, timeout=120)
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    assert told["errors"] == [] and told["commands"] > 100
    assert len(told["heard"]) >= 10 and told["reauths"] >= 9, told


def test_under_gevent_a_token_callback_runs_while_the_hub_waits_for_it(run):
    ran = run("""
        import gevent.monkey; gevent.monkey.patch_all()
        import time, entrakey

        def supply(scope):
            time.sleep(0.01)
            return "opaque", time.time() + 3600

        print(entrakey.Provider.custom(supply, username="me").get_token().username)
    """)
    assert ran.stdout == "me\n", ran.stdout + ran.stderr


def test_under_gevent_a_token_callback_that_hangs_holds_up_no_other_provider(run):
    ran = run("""
        import gevent.monkey; gevent.monkey.patch_all()
        import time, entrakey

        hanging = gevent.monkey.get_original("_thread", "allocate_lock")()
        hanging.acquire()

        def hang(scope):
            hanging.release()
            gevent.monkey.get_original("time", "sleep")(600)

        stuck = entrakey.Provider.custom(hang, username="stuck")
        try:
            stuck.get_token(timeout=0)
        except entrakey.Timeout:
            hanging.acquire()
        healthy = entrakey.Provider.custom(lambda scope: ("opaque", time.time() + 3600), username="me")
        print(healthy.get_token(timeout=10).username, flush=True)
    """)
    assert ran.stdout == "me\n", ran.stdout + ran.stderr


def test_eventlet_is_refused_with_the_way_out(run):
    ran = run("""
        import eventlet; eventlet.monkey_patch()
        import entrakey
        try:
            entrakey.Provider.managed_identity()
        except RuntimeError as error:
            print(error)
    """)
    assert "gunicorn -k gevent" in ran.stdout, ran.stdout + ran.stderr


def test_gevent_that_left_the_threads_alone_is_refused_with_the_way_out(run):
    """A listener with a patched socket crashed the process at the first renewal."""
    ran = run("""
        import gevent.monkey; gevent.monkey.patch_all(thread=False)
        import entrakey
        try:
            entrakey.Provider.managed_identity()
        except RuntimeError as error:
            print(error)
    """)
    assert "gevent.monkey.patch_all()" in ran.stdout, ran.stdout + ran.stderr


def test_a_provider_is_no_credential_provider(start_emulator):
    start_emulator("1h")
    provider = entrakey.Provider.managed_identity()
    options = dict(
        host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), ssl=True,
        ssl_ca_certs=os.environ["REDIS_CA_FILE"], credential_provider=provider)
    meant = r"entrakey\.redis\.CredentialProvider\(provider\)"
    with redis.Redis(**options) as client, pytest.raises(TypeError, match=meant):
        client.ping()

    async def ping():
        async with redis.asyncio.Redis(**options) as client:
            try:
                await client.ping()
            finally:
                await client.connection_pool.disconnect()

    with pytest.raises(TypeError, match=meant):
        asyncio.run(ping())
    provider.close()


def test_no_frame_or_copy_shows_a_secret(start_emulator):
    start_emulator("1h")
    secret = "a-client-secret-that-nobody-may-see"
    for make, wrong in (
        (entrakey.Provider, dict(refresh_ratio="much")),
        (entrakey.Provider.service_principal, dict(refresh_ratio="much")),
        (entrakey.Provider, dict(token_callback=3)),
    ):
        try:
            make(client_secret=secret, **wrong)
        except (entrakey.EntrakeyError, TypeError) as error:
            frame = error.__traceback__.tb_next
            assert frame is not None, "a frame of the library's is looked at"
            while frame is not None:
                assert secret not in repr(frame.tb_frame.f_locals)
                frame = frame.tb_next
    provider = entrakey.Provider.managed_identity()
    credentials = provider.get_credentials()
    for same in (copy.copy(credentials), copy.deepcopy(credentials), pickle.loads(pickle.dumps(credentials))):
        assert same == credentials and same.version == 1 and credentials[1] not in repr([same])
    token = provider.get_token()
    assert provider.get_token() is token and token.secret is provider.get_token().secret
    provider.close()


def test_what_is_cut_out_of_credentials_or_joined_with_them_shows_no_secret():
    with entrakey.Provider.custom(lambda: ("opaque-secret", time.time() + 3600), username="me") as provider:
        credentials = provider.get_credentials()
        made = [credentials[:], credentials[1:], credentials + (), ("AUTH",) + credentials, credentials * 2]
        made += [made[0][1:], made[0] + (), pickle.loads(pickle.dumps(credentials)), copy.copy(credentials)]
        for one in made:
            assert "opaque-secret" in tuple(one) and "opaque-secret" not in repr(one) + f"{one}", type(one)
            assert "opaque-secret" not in one.__sentry_repr__()
        username, secret = credentials[:]
        assert (username, secret) == ("me", "opaque-secret") and credentials[1] == "opaque-secret"
