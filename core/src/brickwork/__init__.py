"""Brickwork: typed, encrypted, versioned configuration and credentials, loaded anywhere by name.

Every public name is importable from here; importing the package itself imports nothing else, so
that a program pays only for what it uses.
"""

# Not imported from typing, which would double what importing this package costs; type checkers
# know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from brickwork.block import (
        Address as Address,
        Block as Block,
        CheckReport as CheckReport,
        Finding as Finding,
        migration as migration,
    )
    from brickwork.builtin.blocks import (
        BasicAuth as BasicAuth,
        DatabaseUrl as DatabaseUrl,
        SecretBlock as SecretBlock,
        Settings as Settings,
    )
    from brickwork.builtin.local_storage import LocalStorage as LocalStorage
    from brickwork.builtin.notifiers.apprise.block import AppriseTarget as AppriseTarget
    from brickwork.builtin.notifiers.attempts import Attempt as Attempt, Attempts as Attempts
    from brickwork.builtin.notifiers.console import Console as Console
    from brickwork.builtin.notifiers.discord import DiscordWebhook as DiscordWebhook
    from brickwork.builtin.notifiers.email.block import Email as Email
    from brickwork.builtin.notifiers.email.raw import (
        email_address as email_address,
        raw_email as raw_email,
    )
    from brickwork.builtin.notifiers.pagerduty import PagerDuty as PagerDuty
    from brickwork.builtin.notifiers.route.block import NotifyRoute as NotifyRoute
    from brickwork.builtin.notifiers.route.target import RouteTarget as RouteTarget
    from brickwork.builtin.notifiers.teams import TeamsWebhook as TeamsWebhook
    from brickwork.builtin.notifiers.webhook import Webhook as Webhook
    from brickwork.builtin.notifiers.webhook_signature import verify_signature as verify_signature
    from brickwork.builtin.serializers.tabular.values import as_arrow_tables as as_arrow_tables
    from brickwork.config import Config as Config
    from brickwork.errors import (
        ApplyRefused as ApplyRefused,
        AuditBroken as AuditBroken,
        AuditUnavailable as AuditUnavailable,
        BlockError as BlockError,
        BlockExists as BlockExists,
        BlockInUse as BlockInUse,
        BlockNotFound as BlockNotFound,
        BrickworkError as BrickworkError,
        ConfigError as ConfigError,
        CorruptData as CorruptData,
        DuplicateName as DuplicateName,
        ExpiryWarning as ExpiryWarning,
        InsecureKeyFile as InsecureKeyFile,
        InvalidArguments as InvalidArguments,
        InvalidBlock as InvalidBlock,
        InvalidCatalog as InvalidCatalog,
        InvalidKey as InvalidKey,
        InvalidManifest as InvalidManifest,
        InvalidName as InvalidName,
        InvalidYaml as InvalidYaml,
        KeyExists as KeyExists,
        KeyInUse as KeyInUse,
        KeyNotFound as KeyNotFound,
        KeyUnavailable as KeyUnavailable,
        ManifestProblem as ManifestProblem,
        MigrationError as MigrationError,
        NotifierError as NotifierError,
        OutboundFailed as OutboundFailed,
        OutboundRefused as OutboundRefused,
        PickleRefused as PickleRefused,
        PluginBroken as PluginBroken,
        PluginError as PluginError,
        PluginMissing as PluginMissing,
        RequestRefused as RequestRefused,
        ResolveError as ResolveError,
        SecretExposed as SecretExposed,
        SerializerError as SerializerError,
        StorageError as StorageError,
        StoreError as StoreError,
        TamperedCiphertext as TamperedCiphertext,
        TaskCancelled as TaskCancelled,
        TaskError as TaskError,
        TaskTimeout as TaskTimeout,
        TruncatedCiphertext as TruncatedCiphertext,
        UnknownBlock as UnknownBlock,
        UnknownName as UnknownName,
        UnsafeArchive as UnsafeArchive,
        UnsupportedFormat as UnsupportedFormat,
        UnsupportedType as UnsupportedType,
        VaultError as VaultError,
        VersionConflict as VersionConflict,
        WrongKey as WrongKey,
    )
    from brickwork.fanout import anotify as anotify, notify as notify
    from brickwork.hookspecs import hookimpl as hookimpl
    from brickwork.keyprovider import KeyProvider as KeyProvider
    from brickwork.ledger import Ledger as Ledger, Page as Page, ledger_of as ledger_of
    from brickwork.masking import (
        MaskingWarning as MaskingWarning,
        install_masking as install_masking,
        mask as mask,
    )
    from brickwork.notifier import (
        Attachment as Attachment,
        DeliveryStatus as DeliveryStatus,
        Limits as Limits,
        MessageTemplate as MessageTemplate,
        Notification as Notification,
        Notifier as Notifier,
        Overflow as Overflow,
        Receipt as Receipt,
        Severity as Severity,
        Unit as Unit,
    )
    from brickwork.opening import (
        open_notifier as open_notifier,
        open_serializer as open_serializer,
        open_storage as open_storage,
    )
    from brickwork.registry import Registry as Registry
    from brickwork.resolver import Resolver as Resolver
    from brickwork.secret import Secret as Secret
    from brickwork.serializer import (
        Chain as Chain,
        Codec as Codec,
        Serializer as Serializer,
        StoredException as StoredException,
        UnsafeSerializer as UnsafeSerializer,
        register_type as register_type,
    )
    from brickwork.storage import (
        ObjectInfo as ObjectInfo,
        ProgressCallback as ProgressCallback,
        Storage as Storage,
        check_key as check_key,
        check_prefix as check_prefix,
    )
    from brickwork.storage.archives import (
        Extracted as Extracted,
        extract_archive as extract_archive,
    )
    from brickwork.store import (
        AuditRow as AuditRow,
        LedgerRow as LedgerRow,
        Record as Record,
        Rewrap as Rewrap,
        Store as Store,
        WrappedKey as WrappedKey,
    )
    from brickwork.tasks import (
        Engine as Engine,
        Progress as Progress,
        Scope as Scope,
        Task as Task,
        TaskFuture as TaskFuture,
        Watcher as Watcher,
        cancelled as cancelled,
        check_cancelled as check_cancelled,
        exponential_backoff as exponential_backoff,
        on_progress as on_progress,
        progress as progress,
        remaining as remaining,
        sleep as sleep,
        sleep_async as sleep_async,
        stoppable as stoppable,
        task as task,
        use_engine as use_engine,
    )
    from brickwork.vault import (
        Document as Document,
        Vault as Vault,
        current_vault as current_vault,
        use_vault as use_vault,
    )
    from brickwork.vault.audit import AuditTrail as AuditTrail
    from brickwork.vault.audit_entry import AuditEntry as AuditEntry, AuditHead as AuditHead
    from brickwork.vault.batch import Saving as Saving
    from brickwork.vault.checking import Checked as Checked
    from brickwork.vault.copying import (
        CopiedBlock as CopiedBlock,
        CopyReport as CopyReport,
        copy_vault as copy_vault,
    )
    from brickwork.vault.diff import Change as Change, Diff as Diff
    from brickwork.vault.migrating import (
        MigrationOutcome as MigrationOutcome,
        SchemaStep as SchemaStep,
    )
    from brickwork.vault.notes import Notes as Notes

_HOMES = {
    "block": "Address Block CheckReport Finding migration",
    "builtin.blocks": "BasicAuth DatabaseUrl SecretBlock Settings",
    "builtin.local_storage": "LocalStorage",
    "builtin.notifiers.apprise.block": "AppriseTarget",
    "builtin.notifiers.attempts": "Attempt Attempts",
    "builtin.notifiers.console": "Console",
    "builtin.notifiers.discord": "DiscordWebhook",
    "builtin.notifiers.email.block": "Email",
    "builtin.notifiers.email.raw": "email_address raw_email",
    "builtin.notifiers.pagerduty": "PagerDuty",
    "builtin.notifiers.route.block": "NotifyRoute",
    "builtin.notifiers.route.target": "RouteTarget",
    "builtin.notifiers.teams": "TeamsWebhook",
    "builtin.notifiers.webhook": "Webhook",
    "builtin.notifiers.webhook_signature": "verify_signature",
    "builtin.serializers.tabular.values": "as_arrow_tables",
    "config": "Config",
    "errors": (
        "ApplyRefused AuditBroken AuditUnavailable BlockError BlockExists BlockInUse BlockNotFound"
        " BrickworkError ConfigError CorruptData DuplicateName ExpiryWarning InsecureKeyFile"
        " InvalidArguments InvalidBlock InvalidCatalog InvalidKey InvalidManifest InvalidName"
        " InvalidYaml KeyExists KeyInUse KeyNotFound KeyUnavailable ManifestProblem"
        " MigrationError NotifierError OutboundFailed OutboundRefused PickleRefused PluginBroken"
        " PluginError PluginMissing RequestRefused ResolveError SecretExposed SerializerError"
        " StorageError StoreError TamperedCiphertext TaskCancelled TaskError TaskTimeout"
        " TruncatedCiphertext UnknownBlock UnknownName UnsafeArchive UnsupportedFormat"
        " UnsupportedType VaultError VersionConflict WrongKey"
    ),
    "fanout": "anotify notify",
    "hookspecs": "hookimpl",
    "keyprovider": "KeyProvider",
    "ledger": "Ledger Page ledger_of",
    "masking": "MaskingWarning install_masking mask",
    "notifier": (
        "Attachment DeliveryStatus Limits MessageTemplate Notification Notifier Overflow Receipt"
        " Severity Unit"
    ),
    "opening": "open_notifier open_serializer open_storage",
    "registry": "Registry",
    "resolver": "Resolver",
    "secret": "Secret",
    "serializer": "Chain Codec Serializer StoredException UnsafeSerializer register_type",
    "storage.archives": "Extracted extract_archive",
    "storage": "ObjectInfo ProgressCallback Storage check_key check_prefix",
    "store": "AuditRow LedgerRow Record Rewrap Store WrappedKey",
    "tasks": (
        "Engine Progress Scope Task TaskFuture Watcher cancelled check_cancelled"
        " exponential_backoff on_progress progress remaining sleep sleep_async stoppable task"
        " use_engine"
    ),
    "vault": "Document Vault current_vault use_vault",
    "vault.audit": "AuditTrail",
    "vault.audit_entry": "AuditEntry AuditHead",
    "vault.checking": "Checked",
    "vault.batch": "Saving",
    "vault.copying": "CopiedBlock CopyReport copy_vault",
    "vault.diff": "Change Diff",
    "vault.notes": "Notes",
    "vault.migrating": "MigrationOutcome SchemaStep",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork.{module}"), name)
    globals()[name] = value  # asked for once, found at once from then on
    return value


def __dir__() -> list[str]:
    return __all__
