#!/usr/bin/env bash
# Installs the Debian packages that some tests need, where they are missing and this user may.
# Prints what it does; always ends well, since tests that lack a program say so themselves.
set -u
declare -A package=([strace]=strace [git]=git [chromium]=chromium)
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ "${#missing[@]}" -gt 0 ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
  echo "installing ${missing[*]}"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "not installed: ${missing[*]}; tests that need them are skipped"
fi
exit 0
