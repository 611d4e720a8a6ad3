"""Who may give commands."""

import hashlib
import json
import stat

import argon2
import pytest

from dashboard.access import FREE_GUESSES, IDLE_S, LIFE_S, Access, Denied
from dashboard.password import PasswordFile

PASSWORD = "correct horse battery"


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def secret(tmp_path):
    return tmp_path / "dashboard.secret"


@pytest.fixture
def access(secret, clock):
    return Access(secret, clock=lambda: clock[0])


@pytest.fixture
def entered(access):
    access.set_up(access.setup_token, PASSWORD)
    return access


@pytest.mark.parametrize("password", ["", "admin", "organism", PASSWORD])
def test_nothing_gets_in_before_a_password_is_set(access, password):
    with pytest.raises(Denied, match="set-up link"):
        access.sign_in(password)


def test_the_set_up_link_works_once(access, secret):
    token = access.setup_token
    access.set_up(token, PASSWORD)
    assert access.setup_token is None
    with pytest.raises(Denied, match="used before"):
        access.set_up(token, "another password")
    assert access.sign_in(PASSWORD)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert PASSWORD not in secret.read_text()


def test_a_restart_with_a_password_set_prints_no_new_link(entered, secret):
    assert Access(secret).setup_token is None


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * 257])
def test_a_weak_password_is_refused_and_the_link_still_works(access, password):
    with pytest.raises(Denied, match="10 to 256"):
        access.set_up(access.setup_token, password)
    assert access.set_up(access.setup_token, PASSWORD)


@pytest.mark.parametrize("wrong", ["", " ", PASSWORD + "x", PASSWORD[:-1], PASSWORD.upper(), "\ud800"])
def test_a_wrong_password_never_authenticates(entered, wrong):
    with pytest.raises(Denied) as denied:
        entered.sign_in(wrong)
    assert denied.value.status == 401


def test_guessing_costs_ever_more_time(entered, clock):
    waits = []
    for _ in range(FREE_GUESSES + 5):
        with pytest.raises(Denied):
            entered.sign_in("wrong")
        with pytest.raises(Denied) as denied:
            entered.sign_in(PASSWORD) if entered._until_s > clock[0] else entered.sign_in("")
        waits.append(denied.value.wait_s)
        clock[0] = max(clock[0], entered._until_s)
    assert waits[-1] > 8.0
    assert waits == sorted(waits)
    assert entered.sign_in(PASSWORD)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o640])
def test_a_file_that_others_may_read_is_refused(entered, secret, mode):
    secret.chmod(mode)
    with pytest.raises(Denied, match="chmod 600"):
        entered.sign_in(PASSWORD)
    assert "chmod 600" in entered.trouble()


def test_a_link_in_place_of_the_file_is_refused(entered, secret):
    secret.rename(secret.with_suffix(".elsewhere"))
    secret.symlink_to(secret.with_suffix(".elsewhere"))
    with pytest.raises(Denied, match="could not be opened"):
        entered.sign_in(PASSWORD)


@pytest.mark.parametrize(
    "damage", ["", "{}", "[1]", "not json", '{"n": 2, "r": 1, "p": 1, "salt": "00", "hash": ""}']
)
def test_a_damaged_file_lets_nobody_in(entered, secret, damage):
    secret.write_text(damage)
    for password in ("", PASSWORD):
        with pytest.raises(Denied, match="damaged"):
            entered.sign_in(password)


CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


def scrypt(n=2**14):
    salt = b"s" * 16
    digest = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=n, r=8, p=1, dklen=32)
    return {"scheme": "scrypt", "n": n, "r": 8, "p": 1, "salt": salt.hex(), "hash": digest.hex()}


@pytest.mark.parametrize(
    "kept",
    [
        {"scheme": "argon2id", "hash": CHEAP},
        {"scheme": "argon2id", "hash": "$argon2id$"},
        scrypt(n=2),
        {"scheme": "plain"},
        [],
    ],
    ids=["cheap argon2", "torn", "cheap scrypt", "no scheme", "no object"],
)
def test_a_cheaper_hash_put_in_its_place_is_refused(entered, secret, kept):
    secret.write_text(json.dumps(kept))
    with pytest.raises(Denied, match="damaged"):
        entered.sign_in(PASSWORD)


def test_a_password_that_an_earlier_version_kept_still_opens_and_is_kept_anew(secret):
    secret.write_text(json.dumps(scrypt()))
    secret.chmod(0o600)
    access = Access(secret)
    cookie, _ = access.sign_in(PASSWORD)
    assert json.loads(secret.read_text())["scheme"] == "argon2id"
    assert access.session(cookie)
    assert Access(secret).sign_in(PASSWORD)


def test_another_password_ends_every_session(entered, secret):
    cookie, _ = entered.sign_in(PASSWORD)
    PasswordFile(secret).change("quite another one")
    assert entered.session(cookie) is None
    assert not entered.reads(cookie)
    with pytest.raises(Denied):
        entered.sign_in(PASSWORD)
    assert entered.sign_in("quite another one")


def test_a_password_set_on_the_command_line_makes_the_link_useless(access, secret):
    token = access.setup_token
    PasswordFile(secret).change("from the command line")
    assert access.sign_in("from the command line")
    with pytest.raises(Denied, match="used before"):
        access.set_up(token, PASSWORD)


def test_a_session_that_nobody_uses_ends(entered, clock):
    cookie, _ = entered.sign_in(PASSWORD)
    clock[0] += IDLE_S - 1
    assert entered.session(cookie)
    clock[0] += IDLE_S - 1
    assert entered.session(cookie)
    clock[0] += IDLE_S + 1
    assert entered.session(cookie) is None


def test_looking_at_the_page_keeps_nobody_signed_in(entered, clock):
    cookie, _ = entered.sign_in(PASSWORD)
    for _ in range(20):
        clock[0] += IDLE_S / 10
        entered.peek(cookie)
    assert entered.peek(cookie) is None
    assert entered.session(cookie) is None


def test_no_session_lasts_for_ever(entered, clock):
    cookie, _ = entered.sign_in(PASSWORD)
    for _ in range(int(LIFE_S / IDLE_S * 2) + 2):
        clock[0] += IDLE_S / 2
        alive = entered.session(cookie)
    assert alive is None


@pytest.mark.parametrize("cookie", [None, "", "x", "0" * 43])
def test_an_invented_cookie_is_no_session(entered, cookie):
    assert entered.session(cookie) is None


def test_signing_out_ends_the_session(entered):
    cookie, _ = entered.sign_in(PASSWORD)
    entered.sign_out(cookie)
    assert entered.session(cookie) is None
