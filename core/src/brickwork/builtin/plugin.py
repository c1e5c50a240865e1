"""What the core itself brings, by the same hooks as every plugin."""

from brickwork.hookspecs import hookimpl

brickwork_api = 1


@hookimpl
def brickwork_blocks() -> dict[str, str]:
    """The plain blocks."""
    return {
        "secret": "brickwork.builtin.blocks:SecretBlock",
        "basic-auth": "brickwork.builtin.blocks:BasicAuth",
        "settings": "brickwork.builtin.blocks:Settings",
        "database-url": "brickwork.builtin.blocks:DatabaseUrl",
        "local-storage": "brickwork.builtin.local_storage:LocalStorage",
        "notify-route": "brickwork.builtin.notifiers.route.block:NotifyRoute",
        "apprise": "brickwork.builtin.notifiers.apprise.block:AppriseTarget",
        "console": "brickwork.builtin.notifiers.console:Console",
        "email": "brickwork.builtin.notifiers.email.block:Email",
        "discord-webhook": "brickwork.builtin.notifiers.discord:DiscordWebhook",
        "pagerduty": "brickwork.builtin.notifiers.pagerduty:PagerDuty",
        "teams-webhook": "brickwork.builtin.notifiers.teams:TeamsWebhook",
        "webhook": "brickwork.builtin.notifiers.webhook:Webhook",
    }


@hookimpl
def brickwork_storages() -> dict[str, str]:
    """Files and memory."""
    return {
        "file": "brickwork.builtin.file_storage:FileStorage",
        "memory": "brickwork.builtin.memory_storage:MemoryStorage",
    }


@hookimpl
def brickwork_serializers() -> dict[str, str]:
    """Formats and compressions; ``aes256gcm`` is no stage of its own but the end of a chain."""
    return {
        "json": "brickwork.builtin.serializers.json:JsonSerializer",
        "text": "brickwork.builtin.serializers.text:TextSerializer",
        "bytes": "brickwork.builtin.serializers.bytes:BytesSerializer",
        "pickle": "brickwork.builtin.serializers.pickle:PickleSerializer",
        "arrow": "brickwork.builtin.serializers.arrow:ArrowSerializer",
        "parquet": "brickwork.builtin.serializers.parquet:ParquetSerializer",
        "gzip": "brickwork.builtin.serializers.gzip:GzipCodec",
        "zstd": "brickwork.builtin.serializers.zstd:ZstdCodec",
    }


@hookimpl
def brickwork_notifiers() -> dict[str, str]:
    """The terminal, and any HTTP endpoint."""
    return {
        "apprise": "brickwork.builtin.notifiers.apprise.block:AppriseTarget",
        "console": "brickwork.builtin.notifiers.console:Console",
        "webhook": "brickwork.builtin.notifiers.webhook:Webhook",
    }


@hookimpl
def brickwork_resolvers() -> dict[str, str]:
    """The environment and files; ``${block:...}`` belongs to the vault itself."""
    return {
        "env": "brickwork.builtin.resolve_env:EnvResolver",
        "file": "brickwork.builtin.resolve_file:FileResolver",
    }


@hookimpl
def brickwork_key_providers() -> dict[str, str]:
    """An environment variable, a file, a passphrase, the keyring of the operating system."""
    return {
        "env": "brickwork.builtin.key_env:EnvKey",
        "file": "brickwork.builtin.key_file:FileKey",
        "keyring": "brickwork.builtin.key_keyring:KeyringKey",
        "passphrase": "brickwork.builtin.key_passphrase:PassphraseKey",
    }


@hookimpl
def brickwork_stores() -> dict[str, str]:
    """A file of SQLite."""
    return {"sqlite": "brickwork.vault.sqlite:SqliteStore"}


@hookimpl
def brickwork_commands() -> dict[str, str]:
    """The core's own groups, and the commands for manifests."""
    names = (
        *("audit", "block", "catalog", "doctor", "help", "keys", "manifest", "notify", "plugin"),
        *("reference", "task", "vault"),
    )
    groups = {name: f"brickwork.cli.{name}:group" for name in names}
    groups["import"] = "brickwork.cli.import_:group"
    return {**groups, **{n: f"brickwork.cli.manifest:{n}" for n in ("apply", "export", "plan")}}
