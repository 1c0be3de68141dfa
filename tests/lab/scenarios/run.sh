# SPDX-License-Identifier: BSD-3-Clause
# description: devmemctl run: commands without any privilege receive and share the NIC; others can't get at their regions, queues or the journal
# set: core 7.x
# timeout: 180

nobody="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all"
other="setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all --bounding-set=-all"
run="devmemctl run $NIC --flow $NIC4:5000 --region udmabuf:huge=no --size 16M"
users

# settled WHAT: nothing is left of any reservation
settled()
{
	user settled 0
	equal "$1" "$ANSWER" settled
}

# the pid of the command that job NAME runs
command_of()
{
	pgrep -P "$(pid_of "$1")"
}

snapshot start
# shellcheck disable=SC2086 # commands are words
{
# --- every byte arrives
random_file /tmp/sent 8M
spawn inherit $run -- $nobody inherit $NIC4 5000 /tmp/got
wait_listen 5000
check "the peer sends" send_file /tmp/sent $NIC4:5000
finish inherit 60
equal "the command ends well" $? 0
show "$OUT/inherit.err"
equal "every byte arrived" "$(sha256 /tmp/got)" "$(sha256 /tmp/sent)"
equal "all counted" "$(awk '/^bytes/ { print $2 }' "$OUT/inherit.out")" $((8 << 20))
between "they came into the region" "$(awk '/^in region/ { print $3 }' "$OUT/inherit.out")" $((7 << 20)) $((8 << 20))
equal "by a user without privileges" "$(stat -c %u /tmp/got)" 65534
unchanged start "the NIC is as it was"
settled "nothing is left"
# several queues
rm -f /tmp/got
spawn spread $run --queue-count 2 --spread -- $nobody inherit $NIC4 5000 /tmp/got
wait_listen 5000
check "spread over two queues: the peer sends" send_file /tmp/sent $NIC4:5000
finish spread 60
equal "spread over two queues: every byte arrived" "$(sha256 /tmp/got)" "$(sha256 /tmp/sent)"
between "spread over two queues: into the region" "$(awk '/^in region/ { print $3 }' "$OUT/spread.out")" $((7 << 20)) $((8 << 20))
unchanged start "the NIC is as it was"

# --- two at once, in device memory
rm -f /tmp/got
heap="--region heap:dmbar0 --size 8M"
spawn one devmemctl run $NIC $heap --flow $NIC4:5000 -- $nobody inherit $NIC4 5000 /tmp/got
wait_listen 5000
spawn two devmemctl run $NIC $heap --queue-count 2 --spread --flow $NIC4:5001 -- $nobody inherit $NIC4 5001 /tmp/got2
wait_listen 5001
equal "no queue twice" "$(devmemctl reserve show $NIC -j | jq -c '[.[] | .queues]')" "[[3],[1,2]]"
expect_err 2 "no receive queue would be left" devmemctl run $NIC $heap -- true
check "the peer sends to the one" send_file /tmp/sent $NIC4:5000
finish one 60
equal "its status" $? 0
equal "the other goes on" "$(devmemctl reserve show $NIC -j | jq -c '[.[] | .id]')" "[2]"
check "the peer sends to it" send_file /tmp/sent $NIC4:5001
finish two 60
equal "its status" $? 0
for got in got got2; do
	equal "$got: every byte" "$(sha256 /tmp/$got)" "$(sha256 /tmp/sent)"
done
unchanged start "the NIC is as it was"

# --- what the command inherits
fds='cd /proc/self/fd; for fd in *; do test -e "$fd" && readlink "$fd"; done'
sh -c "$fds" >/tmp/fds.plain
devmemctl run $NIC $heap -- sh -c "$fds" >/tmp/fds
equal "of what devmemctl has open, the command has the region alone" \
	"$(diff /tmp/fds.plain <(sed 's,/tmp/fds$,/tmp/fds.plain,' /tmp/fds) | grep '^[<>]' | cut -c1-9)" "> /dmabuf"

# --- however the command ends
expect_rc 0 $run -- true
expect_rc 7 $run -- sh -c 'exit 7'
expect_rc 137 $run -- sh -c 'kill -9 $$'
expect_rc 127 $run -- /no/such/command
expect_rc 126 $run -- /etc/passwd
unchanged start "the NIC is as it was after each"
spawn signalled $run -- sleep 100
wait_for 20 command_of signalled
signal signalled TERM
finish signalled 20
equal "a signal is passed on" $? 143
unchanged start "the NIC is as it was"
settled "nothing is left"

# --- while it runs
chmod 666 /dev/udmabuf
spawn held $run --queues 2 -- $nobody inherit $NIC4 5000
wait_listen 5000
ctl=$(pid_of held)
cmd=$(command_of held)
fd=$(tr '\0' '\n' </proc/"$cmd"/environ | sed -n 's/^DEVMEM_REGION_FD=//p')
inherit=$(tr '\0' '\n' </proc/"$cmd"/environ | sed -n 's/^DEVMEM_INHERIT=//p')
devmemctl reserve show $NIC >/tmp/show
for text in "$NIC" alive "$ctl" devmemctl "$NIC4:5000->2"; do
	contains "reserve show has $text" /tmp/show "$text"
done
devmemctl reserve show -j >/tmp/show
check "reserve show, JSON" jq -e --arg nic $NIC --argjson pid "$ctl" 'length == 1 and (.[0] |
	.dev == $nic and .id == 1 and .state == "alive" and .pid == $pid and .command == "devmemctl" and
	.queues == [2] and (.flows | length) == 1 and .flows[0].queue == 2 and (.flows[0].spread | not) and
	(.settings | test("header split \\(was off\\)")) and .since > 1000000000)' /tmp/show
# flows
place=$(devmemctl flow add $NIC --dst $NIC4:5001 --reservation 1)
equal "a flow is added to it" $? 0
ethtool -n $NIC rule "$place" >/tmp/rule
contains "ethtool shows it" /tmp/rule "Direct to queue 2"
contains "with its port" /tmp/rule "Dest port: 5001"
devmemctl flow show $NIC -j >/tmp/show
check "flow show names its reservation" jq -e --argjson place "$place" 'map(select(.location == $place))[0].reservation == 1' /tmp/show
check "reserve show has both" jq -e '.[0].flows | length == 2' <(devmemctl reserve show $NIC -j)
expect_err 1 "no reservation 9" devmemctl flow add $NIC --dst $NIC4:5002 --reservation 9
expect_err 1 "queue 1 is not one of reservation 1" devmemctl flow add $NIC --dst $NIC4:5002 --reservation 1 --queue 1
check "it can be deleted" devmemctl flow del $NIC "$place"
check_not "ethtool shows it no more" ethtool -n $NIC rule "$place"
check "reserve show neither" jq -e '.[0].flows | length == 1' <(devmemctl reserve show $NIC -j)
devmemctl flow add $NIC --dst $NIC4:5003 --reservation 1 >/dev/null

# another ordinary user
journal=$(echo /run/devmem/*.journal)
check "the journal is there" test -s "$journal"
check_not "another user can't list the directory" $other ls /run/devmem
check_not "nor read the journal" $other cat "$journal"
check_not "nor lock it" $other flock -n "${journal%.journal}.lock" true
expect_rc 3 $other devmemctl reserve show
for pid in $cmd $ctl; do
	check "root sees the region among the descriptors of $pid" sh -c "ls -l /proc/$pid/fd | grep -q dmabuf"
	check_not "another user can't look at the descriptors of $pid" $other ls /proc/$pid/fd
done
check_not "nor follow the region's" $other stat -L /proc/"$cmd"/fd/"$fd"
check_not "nor read its environment" $other cat /proc/"$cmd"/environ
expect_err 1 "inherit" $other env DEVMEM_INHERIT="$inherit" inherit $NIC4 5004
note "$ERR"
expect_rc 3 $other devmemctl bind rx $NIC --queues 2 --region udmabuf:huge=no --size 1M -- true
expect_rc 3 $other devmemctl bind rx $NIC --queues 1 --region udmabuf:huge=no --size 1M --steer -- true
expect_rc 3 $other devmemctl flow del $NIC 0
expect_rc 3 $other devmemctl reserve restore $NIC
expect_err 2 "queue 2: reserved by pid $ctl (devmemctl), reservation 1" $run --queues 2 -- true
running held
equal "it still runs" $? 0

# --- devmemctl is killed: the NIC comes back, the command goes on
signal held KILL
finish held
settled "killed: nothing is left"
unchanged start "killed: the NIC is as it was"
equal "killed: no queue is bound" "$(devmemctl queue show $NIC -j | jq '[.[] | select(.binding != null)] | length')" 0
check "killed: the command goes on" test -d /proc/"$cmd"
check "killed: and receives, in the ordinary way" send_file /tmp/sent $NIC4:5000
check "killed: until it ends" wait_for 20 test ! -d /proc/"$cmd"
equal "killed: all of it in host memory" "$(sed -n 's/^in host memory //p' "$OUT/held.out")" $((8 << 20))

# --- the same without a watcher
spawn alone $run --no-watcher -- sleep 100
wait_for 20 command_of alone
cmd=$(command_of alone)
signal alone KILL
finish alone
kill "$cmd"
equal "nobody puts it back" "$(devmemctl reserve show -j | jq -c '[.[] | .state]')" '["dead"]'
place=$(devmemctl flow show $NIC -j | jq '.[0].location')
expect_err 2 "reserve restore" devmemctl flow del $NIC "$place"
equal "until somebody does" "$(devmemctl -j reserve restore $NIC)" '{"restored":1}'
unchanged start "the NIC is as it was"
}
