"""The hooks by which a plugin says what it brings.

A plugin is a module that an installed distribution names in its metadata::

    [project.entry-points.brickwork]
    slack = "brickwork_slack.plugin"

    [project.entry-points."brickwork.schemes"]
    slack = "slack"

and that implements some of the hooks below with `hookimpl`::

    from brickwork import hookimpl

    brickwork_api = 1


    @hookimpl
    def brickwork_blocks():
        return {"slack-webhook": "brickwork_slack.blocks:SlackWebhook"}

Every hook takes nothing and returns a mapping from a name to a dotted path, ``module:attribute``.
It is called at most once in a process, when the plugin is first needed; the paths are imported one
by one, when a name is asked for. So the plugin's module must import neither its own other modules
nor a vendor's package, and a hook only returns a literal.

``brickwork_api`` is the version of these hooks that the plugin was written for, `API_VERSIONS`
those that this Brickwork can use; a plugin that does not say means 1.

These are errors of every hook, and set the whole plugin aside with the reason: it raises, it
returns anything but a mapping of names to dotted paths, it claims a name that is not its own. A
name is a plugin's own

- by its prefix, for blocks and key providers (``slack`` or ``slack-...``) and tasks
  (``slack.name``), where ``slack`` is the entry point's name;
- by metadata, for URL schemes (group ``brickwork.schemes``), serializers (group
  ``brickwork.serializers``) and commands (group ``brickwork.commands``): each entry there gives a
  name, and the plugin of the same distribution that provides it. Names of the core cannot be had.

A function whose name begins with ``brickwork_`` and is none of these hooks is an error too, since
it is most likely a misspelt one.
"""

from collections.abc import Mapping

import pluggy

API_VERSIONS = range(1, 2)
"""The versions of the hooks that this Brickwork works with."""

hookspec = pluggy.HookspecMarker("brickwork")
hookimpl = pluggy.HookimplMarker("brickwork")


@hookspec
def brickwork_blocks() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the blocks: slug to class, ``{"aws-s3-bucket": "brickwork_aws.s3.bucket:S3Bucket"}``.

    Called when a slug with the plugin's prefix is looked up, or all blocks are listed. A class
    that is no `Block`, or has another slug, is an error when it is asked for.
    """


@hookspec
def brickwork_tasks() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the prebuilt tasks: ``{"aws.s3_list": "brickwork_aws.s3.tasks:s3_list"}``.

    Called when a task with the plugin's prefix is looked up, or all tasks are listed.
    """


@hookspec
def brickwork_storages() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the storages that open by URL: scheme to a subclass of `Storage`.

    Called when one of the plugin's schemes is opened, ``open_storage("s3://...")``, or all
    storages are listed. The scheme must be in ``brickwork.schemes`` of the metadata. A URL of
    ``scheme+rest:`` is opened by it too, where nobody has the whole of that as a scheme.
    """


@hookspec
def brickwork_serializers() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the serializers: name to a subclass of `Serializer`.

    Called when a chain such as ``json|zstd`` names one of them, or all serializers are listed. The
    name must be in ``brickwork.serializers`` of the metadata.
    """


@hookspec
def brickwork_notifiers() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the notifiers that open by URL: scheme to a subclass of `Notifier`.

    Called when one of the plugin's schemes is a target of `notify`, or all notifiers are listed.
    The scheme must be in ``brickwork.schemes`` of the metadata. A URL of ``scheme+rest:`` is opened
    by it too, where nobody has the whole of that as a scheme: ``apprise+tgram:`` by ``apprise``.
    """


@hookspec
def brickwork_resolvers() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the resolvers of references: scheme, as in ``${env:NAME}``, to a `Resolver`.

    Called when a block that is loaded holds such a reference, or all resolvers are listed. The
    scheme must be in ``brickwork.schemes`` of the metadata.
    """


@hookspec
def brickwork_key_providers() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the key providers: name, as in ``keys = "aws-kms:alias/x"``, to a `KeyProvider`.

    Called when a vault's root key is wrapped by that provider, or all providers are listed.
    """


@hookspec
def brickwork_stores() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return what vaults can be kept in: scheme of the vault's URL to a class of `Store`.

    Called when a vault with such a URL is opened, or all stores are listed. The scheme must be in
    ``brickwork.schemes`` of the metadata.
    """


@hookspec
def brickwork_commands() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return commands of the command line: name to a click command or group.

    Called when the command is run or asked for help. The name must be in ``brickwork.commands`` of
    the metadata, which is all that ``brickwork --help`` reads.
    """
