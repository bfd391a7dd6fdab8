if [ -d patchbed-ci/cache ] && [ "$(sandboxed id -u)" = 0 ]; then
  mkdir -p patchbed-ci/kept
  sandboxed tar --create --file patchbed-ci/kept/cache.tar --format=posix --xattrs --xattrs-include='*' --numeric-owner --directory patchbed-ci cache
  sandboxed rm -rf patchbed-ci/cache
fi
