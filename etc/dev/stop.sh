#!/bin/bash
# `make stop`: ends the pair that `make run` started in this folder. Data, keys and journals stay in build/run.
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/processes.sh"

said="$(stop_pair)"
echo "${said:-No pair of this folder is running.}"
