# SPDX-License-Identifier: BSD-3-Clause
# description: eight flows at once from one region, on one thread and on eight, also over a wire that loses packets; bytes are overwritten once their send is complete, and it shows when they are overwritten before
# kernels: 7.x
# bar: 16M
# smp: 2
# timeout: 150

size=$((1 << 20))
start_sender
must region heap:dmbar0 $size
must bind tx $NIC

# --- eight at once
bytes=$((3 << 20))
before=$(nic_stat tx_devmem_bytes)
for i in 0 1 2 3 4 5 6 7; do
	if [ $((i % 2)) -eq 0 ]; then
		start_conn $i $PEER4
	else
		start_conn $i $PEER6
	fi
done
answers "ok 8 flows *" poll $bytes 70001
answers "ok 8 flows *" threads $bytes 50000
check "the NIC has read all of it" test $(($(nic_stat tx_devmem_bytes) - before)) -ge $((2 * 8 * bytes))
for i in 0 1 2 3 4 5 6 7; do
	end_conn $i "flow $i"
	equal "flow $i: all of it" "$(stat -c %s /tmp/got.$i)" $((2 * bytes))
done

# --- what is lost is sent again, from the region; and without the NIC's segmentation, in other pieces
modprobe sch_netem
tc qdisc add dev $NIC root netem loss 5%
start_conn 0 $PEER4
start_conn 1 $PEER6
answers "ok 2 flows *" poll 2000000 7001
check "packets were lost" test "$(tc -s qdisc show dev $NIC | sed -n 's/.*dropped \([0-9]*\),.*/\1/p' | head -n 1)" -gt 0
tc qdisc del dev $NIC root
ethtool -K $NIC tso off >/dev/null
answers "ok 2 flows *" poll 1000000 7001
ethtool -K $NIC gso off >/dev/null
answers "ok 2 flows *" poll 1000000 7001
ethtool -K $NIC gso on tso on >/dev/null
end_conn 0 "lost packets, IPv4"
end_conn 1 "lost packets, IPv6"

# --- bytes used again when they are complete
start_conn 0 $PEER4
answers "ok *" reuse 0 50001 40
end_conn 0 "the same bytes 40 times"
start_conn 0 $PEER4
# a ring smaller than what the kernel accepts at once, and a receiver that stops now and then
tell ring 0 1001+200000 30000 $((4 << 20))
for i in 1 2 3 4 5; do
	signal sink0 STOP
	sleep 0.1
	signal sink0 CONT
	sleep 0.1
done
hear
equal "a ring, while the receiver stops and goes on" "${ANSWER%% bytes*}" "ok $((4 << 20))"
end_conn 0 "a ring"

# --- bytes overwritten before their send is complete: the checks above would notice
stalled_conn 0 $PEER4
fill_up 0 100000
answers "ETIMEDOUT *" wait 0 all 0
answers "ok 1 *" flight 0 0+$size
must poison 0+$size
signal sink0 CONT
answers ok wait 0 all 30000
must heal 0+$size
must close 0 drain 0
must end 0
finish sink0 60
equal "poisoned before completion: as many bytes" "$(stat -c %s /tmp/got.0)" "$(stat -c %s /tmp/want.0)"
check "poisoned before completion: the receiver gets poison" grep -aq POISON /tmp/got.0
end_sender
equal "the sender ends well" $? 0
equal "the memory is free again" "$(bar_regions dmbar0)" ""
