mkdir -p patchbed-ci/results
set -- --plan patchbed-ci/plan.json --shard "$PART/@SHARDS@" --cache-size 4GiB
set -- "$@" --report "json=patchbed-ci/results/part-$PART.json" @SCENARIOS@
try=0 code=75
while [ "$code" = 75 ] && [ "$try" -lt "$TRIES" ]; do
  try=$((try + 1)) code=0
  sandboxed patchbed-ci/patchbed run "$@" || code=$?
done
