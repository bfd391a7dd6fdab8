set -eu
mkdir -p patchbed-ci
case $PATCHBED_FROM in
  *.git)
    rm -rf patchbed-ci/source
    git clone --quiet --depth 1 "$PATCHBED_FROM" patchbed-ci/source
    (cd patchbed-ci/source && cargo build --release --locked --package patchbed-cli)
    cp patchbed-ci/source/target/*/release/patchbed patchbed-ci/patchbed
    rm -rf patchbed-ci/source
    ;;
  *) cp "$PATCHBED_FROM" patchbed-ci/patchbed ;;
esac
patchbed-ci/patchbed check @SCENARIOS@
patchbed-ci/patchbed plan --out patchbed-ci/plan.json @SCENARIOS@
