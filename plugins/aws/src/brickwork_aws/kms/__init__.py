"""KMS: encrypt, decrypt, sign and verify; and a key of KMS as the guard of a vault."""
