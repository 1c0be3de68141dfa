# SPDX-License-Identifier: BSD-3-Clause
# description: flow rules by hand: added, shown, deleted; as ethtool shows them; a full table; a driver that picks no place
# set: core 7.x
# dmsim: nrules=4
# timeout: 90

snapshot start
ethtool -K $NIC ntuple on
loc=$(devmemctl flow add $NIC --dst $NIC4:5000 --queue 2)
equal "a rule is added" $? 0
ethtool -n $NIC >/tmp/rules
contains "ethtool shows the protocol" /tmp/rules "TCP over IPv4"
contains "ethtool shows the address" /tmp/rules "Dest IP addr: $NIC4 mask: 0.0.0.0"
contains "ethtool shows the port" /tmp/rules "Dest port: 5000 mask: 0x0"
contains "ethtool shows the queue" /tmp/rules "Direct to queue 2"
expect_err 2 "$NIC" devmemctl flow add $NIC --dst $NIC4:5000 --queue 2
loc6=$(devmemctl flow add $NIC --dst "[$NIC6]:5000" --src "[$PEER6]:6000" --queue 3)
ethtool -n $NIC >/tmp/rules
contains "IPv6 too" /tmp/rules "TCP over IPv6"
contains "with both ends" /tmp/rules "Src IP addr: $PEER6"
devmemctl flow show $NIC -j >/tmp/rules.json
check "the rules are JSON" jq -e . /tmp/rules.json
equal "there are two" "$(jq '[.. | .location? // empty] | length' /tmp/rules.json)" 2
check "fill the table" devmemctl flow add $NIC --dst $NIC4:5001 --queue 2
check "fill the table" devmemctl flow add $NIC --dst $NIC4:5002 --queue 2
expect_err 2 "no room" devmemctl flow add $NIC --dst $NIC4:5003 --queue 2
# the table is full: setting up a stream fails half way, after split and RSS were changed
snapshot full
expect_err 2 "no room" devmemctl recv $NIC --listen $NIC4:5004 --queues 1 --region udmabuf --size 4M --once
unchanged full "what was done before the failure is undone"
expect_err 1 "queue" devmemctl flow add $NIC --dst $NIC4:5003 --queue 17
expect_rc 0 devmemctl flow del $NIC "$loc"
expect_err 1 "no rule at place $loc" devmemctl flow del $NIC "$loc"
expect_rc 0 devmemctl flow del $NIC "$loc6"
for l in $(devmemctl flow show $NIC -j | jq '.. | .location? // empty'); do
	devmemctl flow del $NIC "$l"
done
equal "the table is empty" "$(devmemctl flow show $NIC -j | jq '[.. | .location? // empty] | length')" 0

# a driver that leaves the choice of the place to the caller
dmsim auto_loc 0
one=$(devmemctl flow add $NIC --dst $NIC4:5000 --queue 2)
two=$(devmemctl flow add $NIC --dst $NIC4:5001 --queue 2)
check "places differ" test "$one" != "$two"
devmemctl flow del $NIC "$one"
equal "a free place is used again" "$(devmemctl flow add $NIC --dst $NIC4:5002 --queue 2)" "$one"
devmemctl flow del $NIC "$one"
devmemctl flow del $NIC "$two"
dmsim auto_loc 1

# rules off
ethtool -K $NIC ntuple off
expect_err 3 "ntuple" devmemctl flow add $NIC --dst $NIC4:5000 --queue 2
grep -q 'ntuple-filters: on' /run/lab/snapshot.start && ethtool -K $NIC ntuple on
unchanged start "the NIC is as it was"
