"""References to secrets and parameters: ``${aws-sm:prod/db}``, ``${aws-ssm:/prod/url}``."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from brickwork import BlockNotFound, BrickworkError, ResolveError, Resolver, Secret
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsDenied, AwsError, AwsNotFound
from brickwork_aws.faults import Diagnosis
from brickwork_aws.secrets.references import Wanted, parse

T = TypeVar("T")
Reference = tuple[str, str | None]
Found = dict[Wanted, str | Diagnosis]

DEFAULT = "default"
"""The name of the credentials that references use which name none."""

_SHOWN = 20


class _AwsResolver(Resolver):
    ttl_seconds: ClassVar[float] = 60.0

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        """Fetch one value. Raises ResolveError."""
        answer = self.resolve_many([(path, field)])[path, field]
        if isinstance(answer, ResolveError):
            raise answer
        return answer

    def resolve_many(
        self, references: Sequence[Reference]
    ) -> Mapping[Reference, Secret[str] | ResolveError]:
        """Fetch many, by as few requests as the service allows."""
        wanted = {reference: parse(*reference) for reference in references}
        found: Found = {}
        by_block: dict[str | None, dict[Wanted, None]] = {}
        for each in wanted.values():
            if isinstance(each, Wanted):
                by_block.setdefault(each.block, {})[each] = None
        for block, those in by_block.items():
            credentials = _credentials(block)
            if isinstance(credentials, Diagnosis):
                found.update(dict.fromkeys(those, credentials))
                continue
            try:
                found.update(self.fetch(credentials, list(those)))
            except BrickworkError as error:
                found.update(dict.fromkeys(those, Diagnosis(error.what, error.fix or "")))
        answers: dict[Reference, Secret[str] | ResolveError] = {}
        for reference, one in wanted.items():
            value = one if isinstance(one, Diagnosis) else found[one]
            picked = value if isinstance(value, Diagnosis) else pick(value, reference[1])
            answers[reference] = (
                self._error(reference, picked) if isinstance(picked, Diagnosis) else picked
            )
        return answers

    def write(self, path: str, field: str | None, value: Secret[str]) -> None:
        """Write a value, or one field of a JSON object; what is not there is made.

        The services have no condition for writing: of two who write fields of one secret at the
        same moment, one may lose the other's.

        Raises:
            ResolveError: It cannot be written.
        """
        wrong = self._written(parse(path, field), field, value)
        if wrong is not None:
            raise self._error((path, field), wrong)

    def _written(
        self, wanted: Wanted | Diagnosis, field: str | None, value: Secret[str]
    ) -> Diagnosis | None:
        if isinstance(wanted, Diagnosis):
            return wanted
        if wanted.version is not None:
            return Diagnosis("It names a version, and those do not change.", "Leave out ?version=.")
        credentials = _credentials(wanted.block)
        if isinstance(credentials, Diagnosis):
            return credentials
        try:
            whole = value if field is None else self._changed(credentials, wanted, field, value)
            if isinstance(whole, Diagnosis):
                return whole
            self.put(credentials, wanted.name, whole)
        except BrickworkError as error:
            return Diagnosis(error.what, error.fix or "")
        return None

    def _changed(
        self, credentials: AwsCredentials, wanted: Wanted, field: str, value: Secret[str]
    ) -> Secret[str] | Diagnosis:
        """Return the whole, with another value of a field."""
        try:
            text = self.read(credentials, wanted.name)
        except AwsNotFound:
            text = "{}"
        fields = _fields(text)
        if fields is None:
            return Diagnosis(
                f"It is no JSON object, so it cannot have a field {field!r}.",
                "Leave out what follows the #, to replace the whole.",
            )
        return Secret(json.dumps({**fields, field: value.reveal()}))

    @abstractmethod
    def fetch(self, credentials: AwsCredentials, wanted: Sequence[Wanted]) -> Found:
        """Return the value of each, or what is wrong with it."""

    @abstractmethod
    def read(self, credentials: AwsCredentials, name: str) -> str:
        """Return the newest value. Raises AwsError."""

    @abstractmethod
    def put(self, credentials: AwsCredentials, name: str, value: Secret[str]) -> None:
        """Write a value. Raises AwsError."""

    def _error(self, reference: Reference, found: Diagnosis) -> ResolveError:
        path, field = reference
        text = path if path.isprintable() else ascii(path)[1:-1]
        text = (
            f"${{{self.scheme}:{text}}}" if field is None else f"${{{self.scheme}:{text}#{field}}}"
        )
        shown = text if len(text) <= 5200 else f"{text[:200]}..."
        return ResolveError(f"{shown}: {found.what}", fix=found.fix or "See what the service says.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class SecretsManagerResolver(_AwsResolver):
    """Fetches ``${aws-sm:name#field}`` from AWS Secrets Manager.

    The name may be an ARN. After it may stand, as in a URL, ``?version=AWSPREVIOUS``, a stage or
    the id of a version, and ``?block=aws-credentials/prod``, whose credentials to use. Without that
    it is ``aws-credentials/default`` of the vault in use, or, where none is saved, what boto3
    finds. A field is one of a secret that is a JSON object; without it the whole secret is given.

    Twenty secrets are fetched by one request, where the credentials may do that
    (``secretsmanager:BatchGetSecretValue``); else one by one.
    """

    scheme: ClassVar[str] = "aws-sm"

    def fetch(self, credentials: AwsCredentials, wanted: Sequence[Wanted]) -> Found:
        """See the class."""
        found: Found = {}
        plain = [each for each in wanted if each.version is None]
        if len(plain) > 1:
            try:
                for some in _chunks(plain, 20):
                    found.update(_batch(credentials, some))
            except AwsDenied:
                found.clear()
        for each in wanted:
            if each not in found:
                found[each] = _one_secret(credentials, each)
        return found

    def read(self, credentials: AwsCredentials, name: str) -> str:
        """See the class."""
        from brickwork_aws.secrets.secretsmanager import secretsmanager_read_secret

        return secretsmanager_read_secret(credentials, name).reveal()

    def put(self, credentials: AwsCredentials, name: str, value: Secret[str]) -> None:
        """See the class."""
        from brickwork_aws.secrets.secretsmanager import secretsmanager_write_secret

        secretsmanager_write_secret(credentials, name, value)


class ParameterStoreResolver(_AwsResolver):
    """Fetches ``${aws-ssm:/path/name}`` from the Parameter Store of AWS Systems Manager.

    The name may be an ARN. After it may stand ``?version=3``, the number or the label of a version,
    and ``?block=aws-credentials/prod``; see `SecretsManagerResolver`, also for fields. Parameters
    are decrypted. Ten are fetched by one request.
    """

    scheme: ClassVar[str] = "aws-ssm"

    def fetch(self, credentials: AwsCredentials, wanted: Sequence[Wanted]) -> Found:
        """See the class."""
        from brickwork_aws.operations import Operation

        found: Found = {}
        operation = Operation(credentials, "ssm", "get_parameters")
        for some in _chunks(wanted, 10):
            names = {_selected(each): each for each in some}
            answer = operation.call({"Names": list(names), "WithDecryption": True})
            for parameter in answer.get("Parameters", ()):
                for name in _names(parameter):
                    if name in names:
                        found[names[name]] = str(parameter["Value"])
        missing = Diagnosis(
            "There is no such parameter, or not this version of it.",
            "Check the name, the region and the account; write one by: brickwork task run "
            "aws.ssm_write_parameter",
        )
        return {each: found.get(each, missing) for each in wanted}

    def read(self, credentials: AwsCredentials, name: str) -> str:
        """See the class."""
        from brickwork_aws.operations import Operation

        asked = {"Name": name, "WithDecryption": True}
        answer = Operation(credentials, "ssm", "get_parameter").call(asked)
        return str(answer["Parameter"]["Value"])

    def put(self, credentials: AwsCredentials, name: str, value: Secret[str]) -> None:
        """See the class. Its type and its key stay; a new one is a ``SecureString``."""
        from brickwork_aws.operations import Operation

        named = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        described = Operation(credentials, "ssm", "describe_parameters").everything(
            {"ParameterFilters": named}
        )
        # Without its key, one that exists would be encrypted with the account's from now on.
        before = described["Parameters"][0] if described["Parameters"] else {}
        Operation(credentials, "ssm", "put_parameter").call(
            {
                "Name": name,
                "Value": value,
                "Type": before.get("Type", "SecureString"),
                "KeyId": before.get("KeyId"),
                "Overwrite": True,
            }
        )


def _names(parameter: Mapping[str, Any]) -> Iterator[str]:
    """Give what a parameter may have been asked for by: its name or its ARN, with the version."""
    for name in (parameter["Name"], parameter.get("ARN", "")):
        if "Selector" in parameter:
            yield name + parameter["Selector"]
        else:
            yield name
            yield f"{name}:{parameter['Version']}"


def _selected(wanted: Wanted) -> str:
    return wanted.name if wanted.version is None else f"{wanted.name}:{wanted.version}"


def _batch(credentials: AwsCredentials, wanted: Sequence[Wanted]) -> Found:
    from brickwork_aws.operations import Operation

    names = [each.name for each in wanted]
    answer = Operation(credentials, "secretsmanager", "batch_get_secret_value").call(
        {"SecretIdList": names}
    )
    values: dict[str, Mapping[str, Any]] = {}
    for value in answer.get("SecretValues", ()):
        values[value["Name"]] = values[value["ARN"]] = value
    # What failed is asked for by itself, for an error that says more.
    return {each: text_of(values[each.name]) for each in wanted if each.name in values}


def _one_secret(credentials: AwsCredentials, wanted: Wanted) -> str | Diagnosis:
    from brickwork_aws.operations import Operation

    version = wanted.version
    try:
        return text_of(
            Operation(credentials, "secretsmanager", "get_secret_value").call(
                {"SecretId": wanted.name, version_parameter(version): version}
            )
        )
    except AwsError as error:
        return Diagnosis(error.what, error.fix or "")


def version_parameter(version: str | None) -> str:
    """Return by which parameter a version is asked for."""
    # Ids of versions have 32 characters at least; names of stages are words.
    return "VersionStage" if version is None or len(version) < 32 else "VersionId"


def text_of(answer: Mapping[str, Any]) -> str | Diagnosis:
    """Return the text of a secret that was answered."""
    if "SecretString" in answer:
        return str(answer["SecretString"])
    try:
        return bytes(answer["SecretBinary"]).decode()
    except UnicodeDecodeError:
        return Diagnosis(
            "It is binary, and no text.", "Read it by the task aws.secretsmanager_read_binary."
        )


def _credentials(block: str | None) -> AwsCredentials | Diagnosis:
    """Return the credentials to use, or why there are none."""
    try:
        if block is not None:
            return AwsCredentials.load(block)
        try:
            return AwsCredentials.load(DEFAULT)
        except BlockNotFound:
            return AwsCredentials()
    except BrickworkError as error:
        name = block or f"aws-credentials/{DEFAULT}"
        return Diagnosis(f"The block {name} cannot be used: {error.what}", error.fix or "")


def pick(value: str, field: str | None) -> Secret[str] | Diagnosis:
    """Return the field that is asked for, as text; the whole without one."""
    whole = Secret(value)  # known to the masker from now on
    if field is None:
        return whole
    fields = _fields(value)
    if fields is None:
        return Diagnosis(
            f"It is no JSON object, so it has no field {field!r}.", "Leave out what follows the #."
        )
    if field not in fields:
        names = ", ".join(sorted(map(str, fields))[:_SHOWN]) or "none"
        return Diagnosis(f"It has no field {field!r}.", f"Its fields are: {names}.")
    found = fields[field]
    return Secret(found if isinstance(found, str) else json.dumps(found))


def _fields(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
