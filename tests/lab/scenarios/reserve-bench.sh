# SPDX-License-Identifier: BSD-3-Clause
# description: what a reservation costs, set-up and tear-down, beside the same steps as ethtool commands
# icount: 0
# runall: no
# bar: 0
# timeout: 300

# with icount a virtual microsecond is a thousand instructions, those of other processes included
snapshot start
check "all three ways" reservebench $NIC 3 21
reservebench $NIC 3 21 | tee $OUT/ways.json | sed 's/^/# /'
unchanged start "the NIC is as it was"
