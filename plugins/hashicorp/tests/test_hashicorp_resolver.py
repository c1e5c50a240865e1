"""References to secrets on a real server: what they give, and what each mistake is told."""

import pytest

from brickwork import ResolveError, Secret, Vault
from brickwork_hashicorp import VaultResolver
from brickwork_hashicorp.testing import BaoServer, Faults

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("memory_vault")]

Proxy = tuple[BaoServer, Faults]
FIELDS = {"user": "ann", "password": "sentinel-password-1"}


@pytest.fixture
def resolver(bao_server: BaoServer) -> VaultResolver:
    """A resolver that finds the server in the vault in use."""
    bao_server.block().save("default")
    return VaultResolver()


def _why(resolver: VaultResolver, path: str, field: str | None = None) -> str:
    with pytest.raises(ResolveError) as caught:
        resolver.resolve(path, field)
    assert path in caught.value.what
    assert caught.value.fix
    return str(caught.value)


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("", ""),
        ("zeile\n\u00e4\U0001f511", "zeile\n\u00e4\U0001f511"),
        (5, "5"),
        (True, "true"),
        (None, "null"),
        ([1, "two"], '[1, "two"]'),
        ({"a": {"b": [1]}}, '{"a": {"b": [1]}}'),
    ],
)
def test_text_comes_as_it_is_and_the_rest_as_json(
    resolver: VaultResolver, bao_server: BaoServer, kv1: str, kv2: str, value: object, expected: str
) -> None:
    """Both versions of the engine give the same."""
    bao_server.write(kv1, "app", {"value": value, "other": 1}, version=1)
    bao_server.write(kv2, "app", {"value": value, "other": 1})
    for mount in (kv1, kv2):
        assert resolver.resolve(f"{mount}/app", "value") == Secret(expected)


def test_one_field_needs_no_name_several_do(
    resolver: VaultResolver, bao_server: BaoServer, kv2: str
) -> None:
    """The error lists the names of the fields, and no value."""
    bao_server.write(kv2, "one", {"password": "sentinel-password-1"})
    bao_server.write(kv2, "two", FIELDS)
    bao_server.write(kv2, "none", {})
    assert resolver.resolve(f"{kv2}/one").reveal() == "sentinel-password-1"
    for path, field in ((f"{kv2}/two", None), (f"{kv2}/two", "pasword")):
        said = _why(resolver, path, field)
        assert "password, user" in said
        assert "sentinel" not in said
    assert "0 fields" in _why(resolver, f"{kv2}/none")


@pytest.mark.parametrize(
    "name", ["a b", "ann@example.com", "p%20q", "ü", "a+b&c=d", "x:y;z", "data"]
)
def test_odd_names_are_found(
    resolver: VaultResolver, bao_server: BaoServer, kv1: str, kv2: str, name: str
) -> None:
    """What a URL would read otherwise is quoted on the way."""
    from urllib.parse import quote

    bao_server.write(kv1, quote(f"deep/{name}"), {"only": "one"}, version=1)
    bao_server.write(kv2, quote(f"deep/{name}"), {"only": "two"})
    assert resolver.resolve(f"{kv1}/deep/{name}").reveal() == "one"
    assert resolver.resolve(f"{kv2}/deep/{name}").reveal() == "two"


# Versions


def test_old_versions_are_found(resolver: VaultResolver, bao_server: BaoServer, kv2: str) -> None:
    """``?version=`` gives an old one; without it, the newest comes."""
    for number in (1, 2, 3):
        bao_server.write(kv2, "app", {"password": f"sentinel-{number}"})
    assert resolver.resolve(f"{kv2}/app").reveal() == "sentinel-3"
    assert resolver.resolve(f"{kv2}/app?version=1").reveal() == "sentinel-1"
    assert "no version 9" in _why(resolver, f"{kv2}/app?version=9")


def test_deleted_and_destroyed_are_told_apart(
    resolver: VaultResolver, bao_server: BaoServer, kv2: str
) -> None:
    """A deleted version can be brought back, a destroyed one cannot: each has its message."""
    bao_server.write(kv2, "app", FIELDS)
    bao_server.write(kv2, "app", FIELDS)
    bao_server.request("DELETE", f"{kv2}/data/app")
    said = _why(resolver, f"{kv2}/app")
    assert "Version 2 of it was deleted" in said
    assert "undelete" in said
    bao_server.request("POST", f"{kv2}/destroy/app", {"versions": [2]})
    said = _why(resolver, f"{kv2}/app", "password")
    assert "Version 2 of it was destroyed" in said
    assert "undelete" not in said
    assert resolver.resolve(f"{kv2}/app?version=1", "user").reveal() == "ann"


def test_version_1_has_no_versions(
    resolver: VaultResolver, bao_server: BaoServer, kv1: str
) -> None:
    """A version of what keeps none is an error, not the newest value."""
    bao_server.write(kv1, "app", FIELDS, version=1)
    assert "KV version 1" in _why(resolver, f"{kv1}/app?version=1", "user")


# Mounts


def test_the_longest_mount_wins(resolver: VaultResolver, bao_server: BaoServer, kv2: str) -> None:
    """A mount may have slashes in it, and be of another version than its neighbour."""
    deep = bao_server.enable_kv(1, f"team-{kv2}/deep")
    bao_server.write(deep, "data/app", {"only": "deep"}, version=1)
    assert resolver.resolve(f"{deep}/data/app").reveal() == "deep"
    assert "No mount" in _why(resolver, f"team-{kv2}/other/app")


def test_a_mount_that_is_new_is_found(resolver: VaultResolver, bao_server: BaoServer) -> None:
    """The list of mounts is asked for again when a path is in none of them."""
    first = bao_server.enable_kv(2)
    assert "no such secret" in _why(resolver, f"{first}/app")
    second = bao_server.enable_kv(2)
    bao_server.write(second, "app", {"only": "new"})
    assert resolver.resolve(f"{second}/app").reveal() == "new"


def test_paths_are_inside_the_block_s_mount(bao_server: BaoServer, kv1: str, kv2: str) -> None:
    """With ``mount`` set, paths begin behind it, whatever else is mounted; / begins before it."""
    bao_server.write(kv2, f"{kv1}/app", {"only": "inside"})
    bao_server.write(kv1, "app", {"only": "other mount"}, version=1)
    for version in ("auto", 2):
        bao_server.block(mount=kv2, kv_version=version).save("default", overwrite=True)
        assert VaultResolver().resolve(f"{kv1}/app").reveal() == "inside"
    bao_server.block(mount=kv2).save("default", overwrite=True)
    assert VaultResolver().resolve(f"/{kv1}/app").reveal() == "other mount"
    assert VaultResolver().resolve(f"/{kv2}/{kv1}/app").reveal() == "inside"


def test_other_engines_and_mounts_alone_are_refused(resolver: VaultResolver, kv2: str) -> None:
    """What is no secret in a KV mount is told as what it is."""
    assert "a mount, not a secret" in _why(resolver, kv2)
    assert "engine 'system'" in _why(resolver, "sys/mounts")


def test_a_wrong_kv_version_is_told(bao_server: BaoServer, kv1: str, kv2: str) -> None:
    """Where the block says another version than the mount has, the error names the version."""
    bao_server.write(kv1, "app", FIELDS, version=1)
    bao_server.write(kv2, "app", FIELDS)
    for mount, wrong in ((kv1, 2), (kv2, 1)):
        bao_server.block(mount=mount, kv_version=wrong).save("default", overwrite=True)
        assert f"a mount of KV version {wrong}" in _why(VaultResolver(), "app", "user")


# Permissions


def test_no_permission_says_which_policy_lacks(bao_server: BaoServer, kv2: str) -> None:
    """A token that may read one secret is told what it would need for another."""
    bao_server.write(kv2, "app", FIELDS)
    policy = bao_server.policy(f'path "{kv2}/data/app" {{ capabilities = ["read"] }}')
    for auth in (bao_server.app_role(policy), bao_server.user(policy)):
        bao_server.block(auth).save("default", overwrite=True)
        resolver = VaultResolver()
        assert resolver.resolve(f"{kv2}/app", "user").reveal() == "ann"
        said = _why(resolver, f"{kv2}/other")
        assert "may not read it" in said
        assert f'path "{kv2}/data/other" {{ capabilities = ["read"] }}' in said


def test_a_mount_that_may_not_be_seen_is_told(bao_server: BaoServer, kv1: str, kv2: str) -> None:
    """The error lists what the token sees, and not what it does not."""
    policy = bao_server.policy(f'path "{kv2}/data/app" {{ capabilities = ["read"] }}')
    bao_server.block(bao_server.app_role(policy)).save("default")
    said = _why(VaultResolver(), f"{kv1}/app")
    assert f"the token sees {kv2}." in said


# Which block


def test_a_reference_may_name_its_block(bao_server: BaoServer, kv1: str, kv2: str) -> None:
    """``?block=`` takes an address or a name; the others go on with the default."""
    bao_server.write(kv1, "app", {"only": "one"}, version=1)
    bao_server.write(kv2, "app", {"only": "two"})
    bao_server.block(mount=kv1).save("default")
    bao_server.block(mount=kv2).save("prod")
    answers = VaultResolver().resolve_many(
        [("app", None), ("app?block=prod", None), ("app?block=hashicorp-vault/prod", None)]
    )
    assert [each.reveal() for each in answers.values() if isinstance(each, Secret)] == [
        "one",
        "two",
        "two",
    ]


def test_a_block_that_is_not_there_is_told(bao_server: BaoServer, memory_vault: Vault) -> None:
    """A name that is not saved, or of another class, is an error that names it."""
    bao_server.block().save("default")
    assert "nowhere" in _why(VaultResolver(), "kv/app?block=nowhere")
    assert "secret/x" in _why(VaultResolver(), "kv/app?block=secret/x")


def test_the_environment_serves_where_no_block_is_saved(
    bao_server: BaoServer, kv2: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of the command line are enough; a saved default comes first."""
    bao_server.write(kv2, "app", FIELDS)
    assert "VAULT_ADDR and VAULT_TOKEN" in _why(VaultResolver(), f"{kv2}/app", "user")
    monkeypatch.setenv("VAULT_ADDR", bao_server.url)
    assert "VAULT_TOKEN is not set" in _why(VaultResolver(), f"{kv2}/app", "user")
    monkeypatch.setenv("VAULT_TOKEN", bao_server.root_token.reveal())
    assert VaultResolver().resolve(f"{kv2}/app", "user").reveal() == "ann"
    bao_server.block(url="http://127.0.0.1:1", retries=0).save("default")
    assert "cannot be reached" in _why(VaultResolver(), f"{kv2}/app", "user")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VAULT_ADDR", "127.0.0.1:8200", "VAULT_ADDR"),
        ("VAULT_TOKEN", "sentinel token", "auth.token"),
        ("VAULT_SKIP_VERIFY", "perhaps", "VAULT_SKIP_VERIFY"),
        ("VAULT_CACERT", "/no/such.pem", "/no/such.pem"),
        ("VAULT_NAMESPACE", "nowhere", "no namespace 'nowhere'"),
    ],
)
def test_odd_variables_are_told(
    bao_server: BaoServer, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """A variable that cannot be used is named, and no secret is quoted."""
    scheme = "https" if name == "VAULT_CACERT" else "http"
    monkeypatch.setenv("VAULT_ADDR", bao_server.url.replace("http", scheme))
    monkeypatch.setenv("VAULT_TOKEN", bao_server.root_token.reveal())
    monkeypatch.setenv(name, value)
    message = _why(VaultResolver(), "secret/app")
    assert said in message
    assert "sentinel" not in message


def test_namespaces_are_separate(bao_server: BaoServer, memory_vault: Vault) -> None:
    """The block's namespace decides where its paths are."""
    bao_server.request("POST", "sys/namespaces/team-a", {})
    bao_server.request("POST", "team-a/sys/mounts/kv", {"type": "kv"})
    bao_server.request("POST", "team-a/kv/app", {"only": "of team-a"})
    bao_server.block(namespace="team-a").save("default")
    assert VaultResolver().resolve("kv/app").reveal() == "of team-a"


# How many requests


def test_one_request_fetches_all_fields_of_a_path(faulty_server: Proxy, kv2: str) -> None:
    """However many fields are asked for, and however often, a path is read once."""
    server, faults = faulty_server
    server.block().save("default")
    names = [f"field-{number}" for number in range(20)]
    for path in ("a", "b"):
        server.write(kv2, path, {name: f"{path} {name}" for name in names})
    faults.requests.clear()
    asked = [(f"{kv2}/{path}", name) for path in "ab" for name in names] * 2
    answers = VaultResolver().resolve_many(asked)
    assert len(answers) == 40
    assert answers[f"{kv2}/b", "field-7"] == Secret("b field-7")
    assert faults.count(f"{kv2}/data/a") == 1
    assert faults.count(f"{kv2}/data/b") == 1
    assert len(faults.requests) <= 4, "lookup, mounts, and a read for each path"


def test_failures_hinder_no_other(resolver: VaultResolver, bao_server: BaoServer, kv2: str) -> None:
    """Of a hundred paths the bad ones fail, each with its own reference in its error."""
    for number in range(50):
        bao_server.write(kv2, f"good-{number}", {"only": f"value {number}"})
    asked = [(f"{kv2}/{kind}-{number}", None) for number in range(50) for kind in ("good", "bad")]
    answers = resolver.resolve_many(asked)
    assert len(answers) == 100
    for (path, _), answer in answers.items():
        if "good" in path:
            assert answer == Secret(f"value {path.rpartition('-')[2]}")
        else:
            assert isinstance(answer, ResolveError)
            assert path in str(answer)
