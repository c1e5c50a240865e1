"""GitHub's GraphQL API on loopback: queries are checked by GitHub's schema, and answers, too.

The schema comes as the npm package ``@octokit/graphql-schema``.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from brickwork_github.testing.live.repository import Rejected
from brickwork_github.testing.npm import file_of
from brickwork_github.testing.validation import Json, WrongAnswer

if TYPE_CHECKING:
    from graphql import ExecutionResult, GraphQLSchema

ROUTE = "POST /graphql"
"""What a test calls it: ``github.answer("POST /graphql", {"data": {...}})``."""

VERSION = "15.26.1"
"""The version of the schema that is fetched where none is installed."""

_PLAIN: Mapping[str, Json] = {
    "Int": 1,
    "Float": 1.0,
    "Boolean": False,
    "DateTime": "2011-01-26T19:14:43Z",
    "GitTimestamp": "2011-01-26T19:14:43Z",
    "Date": "2011-01-26",
    "URI": "https://github.com/octocat/Hello-World",
    "GitObjectID": "c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c",
}


@cache
def schema() -> "GraphQLSchema":
    """Return the schema; made once a process, in about a second.

    Raises:
        DescriptionMissing: See `file_of`.
    """
    from graphql import build_ast_schema, parse

    text = file_of("@octokit/graphql-schema", VERSION, "schema.graphql").read_text()
    return build_ast_schema(parse(text, no_location=True), assume_valid=True, assume_valid_sdl=True)


def query_faults(body: Json) -> list[str]:
    """Tell what is wrong with a query and its variables."""
    from graphql import GraphQLError, parse, validate
    from graphql.execution.values import get_variable_values

    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return ["A query attribute must be specified and must be a string."]
    if set(body) - {"query", "variables", "operationName"}:
        return [f"{sorted(set(body))}: there are only query, variables and operationName."]
    variables = body.get("variables") or {}
    try:
        document = parse(body["query"])
    except GraphQLError as error:
        return [error.message]
    faults = [error.message for error in validate(schema(), document)]
    operation = _operation(document, body.get("operationName"))
    if faults or operation is None:
        return faults or ["Which of the operations is meant?"]
    declared = operation.variable_definitions or ()
    read = get_variable_values(schema(), declared, variables)
    names = {each.variable.name.value for each in declared}
    unknown = [
        f"Variable ${name} is given, and not declared." for name in variables if name not in names
    ]
    return [error.message for error in read] + unknown if isinstance(read, list) else unknown


def _operation(document: Any, name: str | None) -> Any:
    from graphql import get_operation_ast

    return get_operation_ast(document, name)


def checked(asked: Mapping[str, Any], answer: Json) -> dict[str, Json]:
    """Return an answer as GitHub would give it to a query.

    What the query does not ask for is left out; so ``__typename`` can say which type of several
    an object has.

    Raises:
        WrongAnswer: It is not what the query asks for.
    """
    if not isinstance(answer, dict) or not set(answer) <= {"data", "errors"} or not answer:
        raise WrongAnswer("an answer of the GraphQL API has data, errors, or both")
    data = answer.get("data")
    if data is None:
        return answer
    done = _executed(asked, data, _as_given)
    if done.errors:
        told = "; ".join(f"{error.path}: {error.message}" for error in done.errors)
        raise WrongAnswer(f"the GraphQL API never answers this query so: {told}")
    return {**answer, "data": done.data}


Mutate = Callable[[str, Mapping[str, Any]], dict[str, Any] | None]
"""Does what a mutation says, by its name and its input; None where it does not know how."""


def example(asked: Mapping[str, Any], mutate: Mutate) -> dict[str, Json]:
    """Return some answer to a query: one item in every list, and no further page.

    Args:
        asked: The query and its variables.
        mutate: What mutations do, and answer; what they do not say is made up.
    """

    def resolve(source: Json, info: Any, **arguments: Json) -> Json:
        if info.parent_type.name == "Mutation":
            done = mutate(info.field_name, arguments["input"])
            return {} if done is None else done
        known = isinstance(source, dict) and info.field_name in source
        return source[info.field_name] if known else _new(info.return_type)

    done = _executed(asked, {}, resolve)
    if not done.errors:
        return {"data": done.data}
    told = []
    for error in done.errors:
        if not isinstance(error.original_error, Rejected):
            raise error
        told.append({"type": "UNPROCESSABLE", "path": error.path, "message": error.message})
    return {"data": done.data, "errors": told}


def _executed(asked: Mapping[str, Any], root: Json, resolve: Any) -> "ExecutionResult":
    from graphql import execute_sync, parse

    return execute_sync(
        schema(),
        parse(asked["query"]),
        root_value=root,
        variable_values=asked.get("variables"),
        operation_name=asked.get("operationName"),
        field_resolver=resolve,
        type_resolver=_type_of,
    )


def _as_given(source: Mapping[str, Json], info: Any, **_arguments: Json) -> Json:
    name = info.path.key  # as the query calls it, where it gives it a name of its own
    if name not in source:
        raise LookupError("is asked for, and not given")
    return source[name]


def _new(kind: Any) -> Json:
    from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLScalarType

    if isinstance(kind, GraphQLNonNull):
        return _new(kind.of_type)
    if isinstance(kind, GraphQLList):
        return [_new(kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLScalarType):
        return _PLAIN.get(kind.name, kind.name.lower())
    return {}


def _type_of(source: Mapping[str, Json], _info: Any, abstract: Any) -> str:
    named = source.get("__typename")
    if named is not None:
        return str(named)
    possible = sorted(each.name for each in schema().get_possible_types(abstract))
    if source:
        raise LookupError(f"give it a __typename: {', '.join(possible[:5])} ...")
    return possible[0]
