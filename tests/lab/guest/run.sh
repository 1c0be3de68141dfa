# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Runs the scenario in a shell of its own, so that its time limit and its exit leave init alone.
. /lab/config
. /lab/lib.sh
trap scenario_end EXIT
. /lab/scenario.sh
