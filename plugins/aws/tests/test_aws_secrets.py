"""Secrets Manager and Parameter Store, against moto."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import BasicAuth, ResolveError, Secret, Vault, current_vault
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsError,
    AwsNotFound,
    ParameterStoreResolver,
    SecretsManagerResolver,
    SsmParameter,
    aws_call,
    secretsmanager_delete_secret,
    secretsmanager_list_secrets,
    secretsmanager_read_binary,
    secretsmanager_read_secret,
    secretsmanager_write_secret,
    ssm_delete_parameters,
    ssm_read_parameter,
    ssm_read_parameters,
    ssm_write_parameter,
)


@pytest.fixture
def saved(s3_credentials: AwsCredentials) -> AwsCredentials:
    """The credentials that references use."""
    s3_credentials.save("default")
    return s3_credentials


@pytest.fixture
def requests(saved: AwsCredentials) -> Iterator[list[str]]:
    """What is asked of both services, operation by operation."""
    asked: list[str] = []

    def note(model: Any, **_: Any) -> None:
        asked.append(model.name)

    clients = [saved.client("secretsmanager"), saved.client("ssm")]
    for client in clients:
        client.meta.events.register("before-call", note)
    yield asked
    for client in clients:
        client.meta.events.unregister("before-call", note)


def test_blocks_hold_references(saved: AwsCredentials) -> None:
    """A block with references is loaded with what they stand for, field by field."""
    secretsmanager_write_secret(saved, "app/db", Secret('{"user": "app", "port": 5432}'))
    ssm_write_parameter(saved, "/app/password", Secret("Zq7!-password"))
    vault: Vault = current_vault()
    fields = {"username": "${aws-sm:app/db#user}", "password": "${aws-ssm:/app/password}"}
    vault.define("basic-auth/db", fields)
    block = BasicAuth.load("db")
    assert block.username == "app"
    assert block.password.reveal() == "Zq7!-password"
    assert SecretsManagerResolver().resolve("app/db", "port").reveal() == "5432"


def test_versions_are_referred_to(saved: AwsCredentials) -> None:
    """By stage and by id; by number."""
    first = secretsmanager_write_secret(saved, "versioned", Secret("first-value"))
    secretsmanager_write_secret(saved, "versioned", Secret("second-value"))
    resolver = SecretsManagerResolver()
    assert resolver.resolve("versioned").reveal() == "second-value"
    assert resolver.resolve("versioned?version=AWSPREVIOUS").reveal() == "first-value"
    assert resolver.resolve(f"versioned?version={first}").reveal() == "first-value"

    assert ssm_write_parameter(saved, "/versioned", "one") == 1
    assert ssm_write_parameter(saved, "/versioned", "two") == 2
    parameters = ParameterStoreResolver()
    assert parameters.resolve("/versioned?version=1").reveal() == "one"
    assert parameters.resolve("/versioned").reveal() == "two"


def test_other_credentials_are_named(saved: AwsCredentials) -> None:
    """In the reference; a block that is not there is said."""
    secretsmanager_write_secret(saved, "elsewhere", Secret("the-value"))
    saved.save("other")
    resolver = SecretsManagerResolver()
    assert resolver.resolve("elsewhere?block=aws-credentials/other").reveal() == "the-value"
    with pytest.raises(ResolveError, match="aws-credentials/nobody cannot be used"):
        resolver.resolve("elsewhere?block=aws-credentials/nobody")


@pytest.mark.parametrize("path", ["a b", "a?version=", "a?nothing", "a?block=b&block=c", "a?x=y"])
def test_a_reference_that_is_none_is_refused(saved: AwsCredentials, path: str) -> None:
    """Before anybody is asked; the error quotes it."""
    for resolver in (SecretsManagerResolver(), ParameterStoreResolver()):
        with pytest.raises(ResolveError) as caught:
            resolver.resolve(path)
        assert path in str(caught.value)
        assert caught.value.fix


def test_a_query_after_the_field_is_refused(saved: AwsCredentials) -> None:
    """It would be a part of the field's name, and other credentials would be asked."""
    path, field = "db", "password?block=aws-credentials/other"
    for resolver in (SecretsManagerResolver(), ParameterStoreResolver()):
        with pytest.raises(ResolveError, match="stands after the #") as caught:
            resolver.resolve(path, field)
        assert "before the #" in caught.value.fix
        with pytest.raises(ResolveError, match="stands after the #"):
            resolver.write(path, field, Secret("a-new-value"))


def test_many_are_fetched_by_few_requests(saved: AwsCredentials, requests: list[str]) -> None:
    """Twenty secrets and ten parameters by each; one alone by the plain request."""
    names = [f"many/{number:02}" for number in range(25)]
    for name in names:
        secretsmanager_write_secret(saved, name, Secret(f"value-of-{name}"))
        ssm_write_parameter(saved, f"/{name}", f"value-of-{name}")
    requests.clear()
    found = SecretsManagerResolver().resolve_many([(name, None) for name in names])
    parameters = ParameterStoreResolver().resolve_many([(f"/{name}", None) for name in names])
    assert requests == ["BatchGetSecretValue"] * 2 + ["GetParameters"] * 3
    for name in names:
        secret, parameter = found[name, None], parameters[f"/{name}", None]
        assert isinstance(secret, Secret)
        assert isinstance(parameter, Secret)
        assert secret.reveal() == parameter.reveal() == f"value-of-{name}"

    requests.clear()
    SecretsManagerResolver().resolve_many([(names[0], None), (names[0], "x")])
    assert requests == ["GetSecretValue"]


def test_without_leave_for_many_they_are_fetched_one_by_one(saved: AwsCredentials) -> None:
    """Batches need a permission of their own, which older policies do not give."""
    with Stubber(saved.client("secretsmanager")) as stubber:
        stubber.add_client_error("batch_get_secret_value", "AccessDeniedException", "no", 403)
        arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-abcdef"
        for name in ("a", "b"):
            answer = {"ARN": arn, "Name": name, "SecretString": f"value-of-{name}"}
            stubber.add_response("get_secret_value", answer, {"SecretId": name})
        found = SecretsManagerResolver().resolve_many([("a", None), ("b", None)])
        stubber.assert_no_pending_responses()
    for name in ("a", "b"):
        value = found[name, None]
        assert isinstance(value, Secret)
        assert value.reveal() == f"value-of-{name}"


def test_bytes_are_no_text(saved: AwsCredentials) -> None:
    """A reference to them is an error that says what to do; the task reads them."""
    secretsmanager_write_secret(saved, "bytes", Secret(b"\xff\xfe\x00\x01"))
    with pytest.raises(ResolveError, match="binary") as caught:
        SecretsManagerResolver().resolve("bytes")
    assert "secretsmanager_read_binary" in str(caught.value.fix)
    with pytest.raises(AwsError, match="binary"):
        secretsmanager_read_secret(saved, "bytes")
    assert secretsmanager_read_binary(saved, "bytes").reveal() == b"\xff\xfe\x00\x01"


def test_a_secret_is_written_read_listed_and_deleted(s3_credentials: AwsCredentials) -> None:
    """Written twice it has two versions; deleted twice is fine."""
    tags = {"team": "data", "stage": "prod"}
    first = secretsmanager_write_secret(
        s3_credentials, "life/a", Secret('{"k": "v"}'), description="of a test", tags=tags
    )
    second = secretsmanager_write_secret(s3_credentials, "life/a", Secret('{"k": "w"}'))
    assert first != second
    secretsmanager_write_secret(s3_credentials, "life/b", Secret("other"), tags={"team": "web"})

    assert secretsmanager_read_secret(s3_credentials, "life/a", field="k").reveal() == "w"
    old = secretsmanager_read_secret(s3_credentials, "life/a", field="k", version=first)
    assert old.reveal() == "v"
    with pytest.raises(AwsError, match="has no field 'x'") as caught:
        secretsmanager_read_secret(s3_credentials, "life/a", field="x")
    assert "Its fields are: k" in str(caught.value.fix)

    both = secretsmanager_list_secrets(s3_credentials, prefix="life/")
    assert [each.name for each in both] == ["life/a", "life/b"]
    (one,) = secretsmanager_list_secrets(s3_credentials, prefix="life/", tags={"team": "data"})
    assert (one.name, one.description, one.tags) == ("life/a", "of a test", tags)

    secretsmanager_delete_secret(s3_credentials, "life/b", recovery_days=7)
    for _ in range(2):
        secretsmanager_delete_secret(s3_credentials, "life/b", recovery_days=7)
        secretsmanager_delete_secret(s3_credentials, "life/a", recovery_days=0)
    with pytest.raises(AwsNotFound):
        secretsmanager_read_secret(s3_credentials, "life/a")


def test_parameters_keep_their_kind(s3_credentials: AwsCredentials) -> None:
    """A text, a list, a secret; read alone and by their path, to the last page."""
    written: dict[str, Any] = {"url": "https://x", "hosts": ["a", "b"], "key": Secret("the-key")}
    for name, value in written.items():
        ssm_write_parameter(s3_credentials, f"/kinds/{name}", value)
    for number in range(12):
        ssm_write_parameter(s3_credentials, f"/kinds/more/{number}", str(number))

    alone = ssm_read_parameter(s3_credentials, "/kinds/hosts")
    assert alone == SsmParameter("/kinds/hosts", ["a", "b"], 1)
    found = ssm_read_parameters(s3_credentials, "/kinds/")
    assert len(found) == 15
    assert found["url"].value == "https://x"
    assert found["more/11"].value == "11"
    key = found["key"].value
    assert isinstance(key, Secret)
    assert key.reveal() == "the-key"
    assert set(ssm_read_parameters(s3_credentials, "/kinds", recursive=False)) == set(written)
    kind = aws_call(s3_credentials, "ssm", "get_parameter", Name="/kinds/key")["Parameter"]["Type"]
    assert kind == "SecureString"

    names = [f"/kinds/more/{number}" for number in range(12)]
    assert sorted(ssm_delete_parameters(s3_credentials, names)) == sorted(names)
    assert ssm_delete_parameters(s3_credentials, names) == []


def test_a_parameter_is_not_overwritten_against_the_will(s3_credentials: AwsCredentials) -> None:
    """It is a conflict, and the value stays."""
    ssm_write_parameter(s3_credentials, "/once", "first")
    with pytest.raises(AwsConflict):
        ssm_write_parameter(s3_credentials, "/once", "second", overwrite=False)
    assert ssm_read_parameter(s3_credentials, "/once").value == "first"
    with pytest.raises(AwsNotFound):
        ssm_read_parameter(s3_credentials, "/no/such")


def test_a_value_is_written_where_a_reference_points(saved: AwsCredentials) -> None:
    """The block has it at its next load, though the old one was kept for a while."""
    secretsmanager_write_secret(saved, "rotated", Secret('{"user": "app", "password": "before-1"}'))
    vault = current_vault()
    vault.define(
        "basic-auth/rotated",
        {"username": "${aws-sm:rotated#user}", "password": "${aws-sm:rotated#password}"},
    )
    assert BasicAuth.load("rotated").password.reveal() == "before-1"
    vault.write_reference("${aws-sm:rotated#password}", Secret("after-22"))
    block = BasicAuth.load("rotated")
    assert (block.username, block.password.reveal()) == ("app", "after-22")
    assert secretsmanager_read_secret(saved, "rotated", version="AWSPREVIOUS").reveal() == (
        '{"user": "app", "password": "before-1"}'
    )


def test_what_is_not_there_is_made_where_a_reference_points(saved: AwsCredentials) -> None:
    """A secret, a field of a new one, and a parameter, which is encrypted."""
    vault = current_vault()
    vault.write_reference("${aws-sm:made/whole}", Secret("whole-value"))
    vault.write_reference("${aws-sm:made/fields#token}", Secret("token-value"))
    vault.write_reference("${aws-ssm:/made/parameter}", Secret("parameter-value"))
    assert secretsmanager_read_secret(saved, "made/whole").reveal() == "whole-value"
    assert secretsmanager_read_secret(saved, "made/fields").reveal() == '{"token": "token-value"}'
    assert ssm_read_parameter(saved, "/made/parameter").value == Secret("parameter-value")


def test_a_written_parameter_keeps_its_kind_and_its_key(saved: AwsCredentials) -> None:
    """A plain one stays plain, and one that a key of its own encrypts is not put under another."""
    key = aws_call(saved, "kms", "create_key")["KeyMetadata"]["Arn"]
    ssm_write_parameter(saved, "/kept/plain", "before")
    ssm_write_parameter(saved, "/kept/secret", Secret("before"), kms_key_id=key)
    vault = current_vault()
    vault.write_reference("${aws-ssm:/kept/plain}", Secret("after"))
    vault.write_reference("${aws-ssm:/kept/secret}", Secret("after"))
    assert ssm_read_parameter(saved, "/kept/plain").value == "after"
    assert ssm_read_parameter(saved, "/kept/secret").value == Secret("after")
    described = aws_call(
        saved,
        "ssm",
        "describe_parameters",
        ParameterFilters=[{"Key": "Name", "Values": ["/kept/secret"]}],
    )
    assert described["Parameters"][0]["KeyId"] == key


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${aws-sm:fixed?version=AWSPREVIOUS}", "names a version"),
        ("${aws-sm:fixed#field}", "no JSON object"),
        ("${aws-ssm:/fixed#field}", "no JSON object"),
        ("${aws-sm:bad name}", "characters that no name has"),
        ("${aws-sm:fixed?block=aws-credentials/nobody}", "cannot be used"),
    ],
)
def test_what_cannot_be_written_is_left_as_it_was(
    saved: AwsCredentials, reference: str, said: str
) -> None:
    """The error says why, and what to do, and never the value."""
    secretsmanager_write_secret(saved, "fixed", Secret("fixed-value"))
    ssm_write_parameter(saved, "/fixed", "fixed-value")
    with pytest.raises(ResolveError, match=said) as raised:
        current_vault().write_reference(reference, Secret("never-written"))
    assert raised.value.fix
    assert "never-written" not in str(raised.value)
    assert secretsmanager_read_secret(saved, "fixed").reveal() == "fixed-value"
    assert ssm_read_parameter(saved, "/fixed").value == "fixed-value"
