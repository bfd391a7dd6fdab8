# Images with the source `debian:` are made with mmdebstrap.
if ! command -v mmdebstrap >/dev/null && command -v apt-get >/dev/null; then
  with_rights sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends mmdebstrap' >/dev/null || true
fi
