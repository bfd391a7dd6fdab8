set -eu
chmod +x patchbed-ci/patchbed
mkdir -p patchbed-ci/results
set -- --plan patchbed-ci/plan.json --fail-on @FAIL_ON@
set -- "$@" --report html=patchbed-ci/report.html,junit=patchbed-ci/junit.xml
set -- "$@" --report markdown=patchbed-ci/report.md,json=patchbed-ci/record.json
code=0
patchbed-ci/patchbed merge patchbed-ci/results "$@" || code=$?
if [ "$code" != 0 ]; then patchbed-ci/patchbed explain "$code" || true; fi
