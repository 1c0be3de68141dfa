# SPDX-License-Identifier: BSD-3-Clause
# description: the link goes down, scatter-gather is switched off, the binding is closed, or the sender killed, while sends are under way: what was sent arrives, and nothing is left behind
# kernels: 7.x
# bar: 16M
# timeout: 150

size=$((1 << 20))
free()
{
	[ -z "$(bar_regions dmbar0)" ]
}

# start N: connection N, with as much under way as there can be
start()
{
	stalled_conn "$1" $PEER4
	fill_up "$1" 50000
}

snapshot start

# --- the link goes and comes back
start_sender
must region heap:dmbar0 $size
must bind tx $NIC
start 0
ip link set $NIC down
signal sink0 CONT
answers "ETIMEDOUT *" wait 0 all 300
ip link set $NIC up
answers "ok 100000 *" send 0 0+100000
end_conn 0 "after the link was down"
ip addr add $NIC6/64 dev $NIC nodad

# --- an offload that the kernel relies on is switched off, and on again
start_conn 0 $PEER4
must send 0 0+100000
answers ok wait 0 all 30000
ethtool -K $NIC sg off >/dev/null
# little enough for any send buffer: a send that has to wait for room would wait for ever
answers "ok 10000 *" send 0 0+10000
answers "ETIMEDOUT *" wait 0 all 1000
says "scatter-gather"
ethtool -K $NIC sg on >/dev/null
answers ok wait 0 all 30000
end_conn 0 "after scatter-gather was off"

# --- the binding is closed
start 0
answers "ETIMEDOUT *" wait 0 all 0
must unbind
answers "ESTALE *" send 0 0+1000
signal sink0 CONT
answers ok wait 0 all 30000
answers "ESTALE *" send 0 0+1000
note "$ANSWER"
end_conn 0 "after the binding was closed"
# a new binding works
must bind tx $NIC
start_conn 0 $PEER4
must send 0 0+$size
end_conn 0 "with a new binding"

# --- the sender is abandoned, and its connection closed: the kernel goes on
start 0
must close 0 abandon 0
must end 0
signal sink0 CONT
finish sink0 60
check "what was abandoned arrives" cmp /tmp/want.0 /tmp/got.0
end_sender
equal "the sender ends well" $? 0
check "the memory is free again" wait_for 20 free

# --- the sender is killed
for round in 1 2 3; do
	start_sender
	must region heap:dmbar0 $size
	must bind tx $NIC
	start 0
	start 1
	kill -9 "$SENDER_PID"
	wait "$SENDER_PID"
	# its region lives as long as packets of it do
	check_not "round $round: the memory is still in use" free
	signal sink0 KILL
	finish sink0
	signal sink1 CONT
	finish sink1 60
	check "round $round: what was sent before it was killed arrives" cmp /tmp/want.1 /tmp/got.1
	check "round $round: the memory is free again" wait_for 20 free
done
# in the middle of traffic
start_sender
must region heap:dmbar0 $size
must bind tx $NIC
for i in 0 1 2 3; do
	start_conn $i $PEER4
done
got()
{
	[ "$(stat -c %s /tmp/got.3 2>/dev/null || echo 0)" -gt 1000000 ]
}
tell threads $((1 << 30)) 30001
check "bytes arrive" wait_for 30 got
kill -9 "$SENDER_PID"
wait "$SENDER_PID"
for i in 0 1 2 3; do
	check "the peer of connection $i ends" finish sink$i 60
	# the sender was killed before it could write all that it sent to /tmp/want
	size_of=$(stat -c %s /tmp/got.$i)
	known=$(stat -c %s /tmp/want.$i)
	check "connection $i: what arrived is what was sent" cmp -n $((size_of < known ? size_of : known)) /tmp/want.$i /tmp/got.$i
	between "connection $i: all of it" $((size_of - known)) 0 30001
done
check "the memory is free again" wait_for 20 free
unchanged start "the NIC is as it was"
start_sender
must region heap:dmbar0 $size
answers "ok device *" bind tx $NIC
start_conn 0 $PEER4
must send 0 0+$size
end_conn 0 "afterwards"
end_sender
unchanged start "the NIC is as it was"
