"""The parts of the core with a bar of their own: the envelope, and the masker."""

import os
import secrets
from collections.abc import Iterator
from time import perf_counter

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.environments import Context
from benchmarks.measure import Bar, Row, each, quietest, summary


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    yield from _envelope(context)
    yield _masker(context)


def _envelope(context: Context) -> Iterator[Row]:
    from brickwork.crypto import NamedKey
    from brickwork.vault.envelope import Identity, Secrets, open_secrets, seal_secrets

    key = NamedKey(os.urandom(8), os.urandom(32))
    place = Identity(os.urandom(16), "aws-credentials", os.urandom(16), "prod", 1, 1)
    public = b'{"access_key_id":"AKIAIOSFODNN7EXAMPLE","region":"eu-west-1"}'
    values = Secrets({"secret_access_key": secrets.token_hex(480)})
    sealed = seal_secrets(key, place, public, values)
    plain, nonce = AESGCM(key.key), os.urandom(12)
    ciphertext = plain.encrypt(nonce, bytes(1024), public)
    assert open_secrets(lambda _: key.key, place, public, sealed) == values

    times = context.some(20_000)
    floor = quietest(each(lambda: plain.decrypt(nonce, ciphertext, public), times)).median
    sealing = quietest(each(lambda: seal_secrets(key, place, public, values), times)).median
    opening = quietest(
        each(lambda: open_secrets(lambda _: key.key, place, public, sealed), times)
    ).median
    name = "AES-256-GCM alone, its key at hand"
    yield Row("seal a document of 1 KB (p50)", ours=sealing, other=floor, other_name=name)
    yield Row("open a document of 1 KB (p50)", ours=opening, other=floor, other_name=name)
    yield Row(
        "open: the format's overhead (p50)",
        ours=opening - floor,
        bar=Bar("ours", at_most=20e-6),
        note="the difference: two keys, commitment, bound context, JSON",
    )


def _masker(context: Context) -> Row:
    from brickwork.masking import Masker

    masker = Masker()
    for _ in range(1000):
        masker.add(secrets.token_urlsafe(30))
    # Lines as logs have them: words, times, addresses, ids. None holds a secret.
    lines = [
        f"2026-11-22T10:{n % 60:02}:07.123Z INFO app.jobs [worker-{n % 8}] "
        f"run {secrets.token_hex(4)} "
        f"copied s3://reports/daily/2026-11-{n % 28 + 1:02}.csv ({n * 977} bytes) in {n % 90} ms, "
        "next attempt not needed; state is Completed and the result was kept\n"
        for n in range(2000)
    ]
    size = sum(map(len, lines)) / 1e6
    assert masker.mask(lines[0]) == lines[0]
    speeds = []
    for _ in range(context.some(30)):
        start = perf_counter()
        for line in lines:
            masker.mask(line)
        speeds.append(size / (perf_counter() - start))
    return Row(
        "mask clean log lines, 1,000 secrets known",
        "MB/s",
        ours=summary(speeds).median,
        bar=Bar("ours", at_least=5.0),
        note=f"lines of {size * 1e6 / len(lines):.0f} bytes, one call each",
    )
