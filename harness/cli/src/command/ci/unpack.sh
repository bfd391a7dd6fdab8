export XDG_CACHE_HOME="$PWD/patchbed-ci/cache"
# Layers have owners and attributes that the caches of engines lose, so they travel in an archive of their own.
if [ -f patchbed-ci/kept/cache.tar ]; then
  sandboxed tar --extract --file patchbed-ci/kept/cache.tar --xattrs --xattrs-include='*' --numeric-owner --directory patchbed-ci
fi
